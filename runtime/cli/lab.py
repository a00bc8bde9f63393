"""The noun `lab`: one learner's container, by hand."""

from __future__ import annotations

import json
import sys
import termios
import time
import tty
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from runtime import settings
from runtime.cli.image import BASE, need_image
from runtime.cli.running import data_option, fresh_lab, runtime
from runtime.container import profile as profiles
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runtime.client import Client

HOUR_S = 3600.0
PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group(name="lab")
def command() -> None:
    """Make, enter, list and end labs, with or without a running server."""


@command.command(context_settings=PASS_ON)
@data_option
@click.option("--image", help="What the lab is made from; what its profile wants, if not said.")
@click.option("--profile", default="plain", show_default=True, help="What it may do.")
@click.option("--internet", is_flag=True, help="Let it reach the internet.")
@click.option("--allow", multiple=True, help="Let it reach this name only; may be given again.")
@click.option("--machine", is_flag=True, help="Run it in a virtual machine of that image.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    data: Path | None,
    image: str | None,
    profile: str,
    allow: tuple[str, ...],
    argv: tuple[str, ...],
    *,
    internet: bool,
    machine: bool,
) -> None:
    """Run a command in a fresh lab as its root, and end the lab; its exit code is ours."""
    image = image or profiles.load(profile).image or BASE
    need_image(Instance.at(settings.load({"data": data}).data), image)
    order = {
        "image": image,
        "profile": profile,
        "internet": internet or bool(allow),
        "allowed": allow or None,
        "until": time.time() + HOUR_S,
    }
    with runtime(data) as client, fresh_lab(client, "run", order) as lab:
        if machine:
            boot(client, lab)
        code = _execute(client, lab, argv, "root", in_machine=machine)
    sys.exit(code)


@command.command(name="exec", context_settings=PASS_ON)
@data_option
@click.option("--user", type=click.Choice(["root", "learner"]), default="root", show_default=True)
@click.argument("lab")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(data: Path | None, user: str, lab: str, argv: tuple[str, ...]) -> None:
    """Run a command in a living lab; its exit code is ours."""
    with runtime(data) as client:
        _require(client, [lab])
        code = _execute(client, lab, argv, user)
    sys.exit(code)


@command.command(name="list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the labs that live."""
    with runtime(data) as client:
        labs = client.lab_list()
    if as_json:
        click.echo(json.dumps(labs))
        return
    for lab in labs:
        until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(lab["until"]))
        click.echo(f"{lab['lab']}\t{lab['image']}\t{lab['key']}\tuntil {until} UTC")


@command.command()
@data_option
@click.option("--all", "every", is_flag=True, help="End all of them.")
@click.argument("labs", nargs=-1)
def rm(data: Path | None, labs: tuple[str, ...], *, every: bool) -> None:
    """End labs, with all that is in them."""
    if bool(labs) == every:
        raise click.UsageError("Name the labs to end, or give --all.")
    with runtime(data) as client:
        _require(client, labs)
        for lab in [each["lab"] for each in client.lab_list()] if every else labs:
            client.lab_remove(lab)
            click.echo(f"ended {lab}", err=True)


def _require(client: Client, labs: Sequence[str]) -> None:
    """Name the first of these that doesn't live, before anything is done."""
    living = {each["lab"] for each in client.lab_list()} if labs else set()
    for lab in labs:
        if lab not in living:
            hint = "`./slipway lab list` names those that live."
            raise Problem("lab-unknown", f"There is no lab {lab[:40]}.", hint, lab=lab[:40])


def boot(client: Client, lab: str) -> None:
    """Boot a lab's machine and wait until it is at its prompt.

    Raises:
        Problem: `machine-failed`, with the reason as a sentence.
    """
    with client.follow() as feed:
        machine = client.machine_boot(lab)
        while machine["state"] in {"queued", "booting"}:
            event = feed.receive()
            if event is None:
                raise Problem("machine-failed", "The runtime stopped while the machine booted.")
            if event.body["type"] == "machine.changed" and event.body["lab"] == lab:
                machine = event.body["machine"]
    if machine["state"] != "ready":
        raise Problem("machine-failed", machine["sentence"], reason=machine["reason"])


def _execute(
    client: Client, lab: str, argv: Sequence[str], user: str, *, in_machine: bool = False
) -> int:
    """A pty only where both ends are terminals: else bytes would be changed on their way."""
    words = argv[1:] if argv[0] == "--" else argv
    if in_machine:
        return client.lab_exec(lab, words, user=user, where="machine")
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    sys.stdout.flush()
    with _raw(sys.stdin.fileno()) if has_terminal else nullcontext():
        return client.lab_exec(lab, words, user=user, tty=has_terminal)


@contextmanager
def _raw(terminal_fd: int) -> Iterator[None]:
    """Keys go to the program in the lab as they are pressed, Ctrl-C too."""
    before = termios.tcgetattr(terminal_fd)
    tty.setraw(terminal_fd, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(terminal_fd, termios.TCSANOW, before)
