"""A runtime to talk to: the one that runs, or one that is started for a single command."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime import folders, settings
from runtime.client import Client
from runtime.instance import Instance
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY_TIMEOUT_S = 30.0
_CHECKOUT = Path(__file__).parents[2]

data_option = click.option("--data", type=Path, help="The server's data folder.")


@contextmanager
def runtime(data: Path | None) -> Iterator[Client]:
    """The door to the instance's runtime.

    Where none runs, one is started under the data folder's lock; it ends by itself soon after, and
    the labs that were made live on.

    Raises:
        Problem: `data-in-use`, `data-unwritable`, `not-root`, and `runtime-start` where it doesn't
            begin; one that refuses to says why by itself.
    """
    instance = Instance.at(settings.load({"data": data}).data)
    client = Client(instance.runtime_socket)
    process = _reach(client, instance)
    if process is None:
        yield client
        return
    _wait(client, process)
    try:
        with client.follow():  # somebody is there, so it isn't idle
            yield client
    finally:
        process.wait()  # what comes next finds the data folder free


@contextmanager
def fresh_lab(client: Client, what: str, order: Mapping[str, Any]) -> Iterator[str]:
    """A lab for one command, ended with it.

    Whoever tells us to end while it is made waits until it is: a lab is only ended by who knows it.

    Args:
        client: the runtime.
        what: the command, for the lab's key.
        order: what `Client.lab_create` is told beside the key.
    """
    with ExitStack() as undo:
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            lab = client.lab_create(key=f"{what}-{os.getpid()}-{time.time_ns()}", **order)["lab"]
            undo.callback(client.lab_remove, lab)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield str(lab)


def _reach(client: Client, instance: Instance) -> spawn.Process | None:
    """Wait for the runtime that is there or comes back, or start one where nobody has the folder.

    Returns:
        The one that was started.

    Raises:
        Problem: `data-in-use` by somebody who has no runtime; why the folder can't be used.
    """
    folders.make(instance)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            if client.status()["ready"]:
                return None
        except Problem as problem:
            if problem.code != "runtime-away":
                raise
        try:
            os.close(folders.lock(instance, 0))
        except Problem as problem:
            if problem.code != "data-in-use" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return _start(instance)


def _start(instance: Instance) -> spawn.Process:
    return spawn.start(
        [sys.executable, "-m", "runtime", "serve", "--until-idle", f"--data={instance.data_path}"],
        stderr=sys.stderr.fileno(),
        env={"PYTHONPATH": str(_CHECKOUT), "SLIPWAY_LOG_LEVEL": "error"},
        new_session=True,
    )


def _wait(client: Client, process: spawn.Process) -> None:
    """Wait until it takes calls; where it can't, it has said why on our standard error."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(Problem):
            if client.status()["ready"]:
                return
        time.sleep(0.05)
    if process.poll():
        sys.exit(1)
    raise Problem("runtime-start", "The part of Slipway that runs the labs could not be started.")
