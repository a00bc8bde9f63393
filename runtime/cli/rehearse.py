"""The noun `rehearse`: a class is played on this machine, and what it can carry is said."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from runtime import folders, settings
from runtime.cli.image import BASE, need_base
from runtime.cli.running import data_option
from runtime.client import Client
from runtime.confine import CHECKOUT
from runtime.daemon import most_of_a_lab
from runtime.greatest import Room, judged
from runtime.greeting import wait_well
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.kernel import spawn
from runtime.limits.amounts import Limits
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# For modules of our own, started as programs; a database that is set is the real server's.
_OURS = {"PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1", "SLIPWAY_DATABASE_URL": ""}
_READY_S = 60.0
_STOP_S = 120.0
_PLAY_MOST_S = 900.0
_MINUTES = 60
_OTHERS_MOST = 0.2  # of the processors: beyond that, times are theirs as much as the class's
_BESIDE = 6  # places beyond the class: people in real browsers, and labs that stand ready


@click.command(name="rehearse")
@data_option
@click.option("--learners", type=click.IntRange(1, 1000), default=40, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def command(data: Path | None, learners: int, *, as_json: bool) -> None:
    """Play a class on this machine, and say the greatest that it carries; 1 where it didn't.

    Learners join, type, run commands and check, by the real protocol in real labs, on a server of
    their own that is gone afterwards. A class that goes on meanwhile would feel it.
    """
    given = settings.load({"data": data})
    real, limits = Instance.at(given.data), Limits().within(most_of_a_lab(given))
    need_base(real)
    with ExitStack() as undo:
        stage = Instance.at(real.data_path / "rehearsal")
        undo.callback(spawn.remove, stage.data_path)
        _lend(real, stage)
        room = Room.left(stage.data_path, given.reserve_percent)
        played = replace(limits, disk_bytes=room.disk_each_bytes(learners + _BESIDE, limits))
        url = undo.enter_context(_served(stage, learners, played.disk_bytes))
        made = json.loads(_web(stage, "workshop", "create", "--json", *_shape(learners)))
        link = _web(stage, "person", "instructor", "add", "rehearsal").split()[0]
        before = Room.left(stage.data_path, given.reserve_percent)
        seen = _play(url, made, link, learners)
        rooms = before, Room.left(stage.data_path, given.reserve_percent)
        labs = Client(stage.runtime_socket).status()["labs"]
        result = judged(seen, learners, labs, rooms, (limits, played))
    click.echo(json.dumps(result) if as_json else _text(result))
    sys.exit(0 if result["carried"] else 1)


def _shape(learners: int) -> tuple[str, ...]:
    return (
        f"--learners={learners + _BESIDE}",
        f"--minutes={_MINUTES}",
        "--lessons=00-your-terminal",
    )


def _lend(real: Instance, stage: Instance) -> None:
    """The image isn't copied: the stage's store leads to the real one."""
    folders.make(stage)
    place = Store(stage.images_path).place(BASE)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(Store(real.images_path).place(BASE).resolve())


@contextmanager
def _served(stage: Instance, learners: int, disk_bytes: int) -> Iterator[str]:
    """A server of its own, for as long as it is needed; it leaves nothing."""
    environ = {
        "SLIPWAY_MAX_LABS": str(learners + _BESIDE),
        "SLIPWAY_LAB_MAX_DISK_BYTES": str(disk_bytes),
        "SLIPWAY_PREVIEW_PORT": "0",
        "SLIPWAY_DEMO": "no",
        "SLIPWAY_LOG_LEVEL": "error",
        **_OURS,
    }
    listens = [f"--data={stage.data_path}", "--host=127.0.0.1", "--port=0"]
    words = [*listens, "--end-labs", "--no-greeting"]
    with (
        _log(stage).open("wb") as said,
        spawn.start(
            [sys.executable, "-m", "runtime", "up", *words],
            stderr=said.fileno(),
            env=environ,
            new_session=True,
        ) as process,
    ):
        try:
            yield _wait(stage, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_S)


def _wait(stage: Instance, process: spawn.Process) -> str:
    deadline = time.monotonic() + _READY_S
    while not (address := folders.address(stage)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise _not_begun(stage)
        time.sleep(0.1)
    url = f"http://127.0.0.1:{address[1]}"
    try:
        wait_well(url, _READY_S)
    except Problem as problem:
        raise _not_begun(stage) from problem
    return url


def _not_begun(stage: Instance) -> Problem:
    lines = _log(stage).read_text(errors="replace").splitlines()
    return Problem(
        "rehearsal-failed",
        f"The rehearsal's server did not begin: {' / '.join(lines[-3:])}",
        "`./slipway doctor` says what this machine lacks.",
    )


def _log(stage: Instance) -> Path:
    """What its server says; it goes with the stage."""
    return stage.data_path / "log"


def _web(stage: Instance, *words: str) -> str:
    return _run(["runtime", "as-web", f"--data={stage.data_path}", "--", *words], timeout_s=60)


def _play(url: str, made: dict[str, Any], link: str, learners: int) -> dict[str, Any]:
    public = made["page"].rpartition("/")[2]
    given = [f"--url={url}", f"--code={made['code']}", f"--workshop={public}", f"--link={link}"]
    argv = ["webapp.rehearsal", *given, f"--learners={learners}"]
    seen: dict[str, Any] = json.loads(_run(argv, timeout_s=_PLAY_MOST_S))
    return seen


def _run(argv: list[str], timeout_s: float) -> str:
    """One of our own modules; what it prints."""
    try:
        return spawn.run([sys.executable, "-m", *argv], env=_OURS, timeout_s=timeout_s).stdout
    except spawn.ProgramFailed as error:
        raise Problem("rehearsal-failed", f"The class could not be played: {error}.") from error


def _text(result: dict[str, Any]) -> str:
    said = (
        "{joined} of {learners} joined; 99 of 100 were at their prompt within {join_p99_s:.1f} s.\n"
        "Keys: {keystroke_p99_ms:.0f} ms for 99 of 100, {keystroke_p99_vs_alone:.1f} times one "
        "learner's alone.\n"
        "Checks: {checks}; the instructor's page had 99 of 100 within {wall_lag_p99_s:.2f} s.\n"
        "{browsers}\n"
        "Processors: the class took {processors_of_server:.0%} of them, other programs "
        "{processors_of_others:.0%}."
    ).format(**{**result, "browsers": _browsers(result)})
    if result["processors_of_others"] > _OTHERS_MOST:
        said += "\nEnd those programs and rehearse again: with them it says little of a class."
    errors = [f"Error: {each}" for each in result["errors"][:5]]
    return "\n".join([said, *errors, *_greatest(result)])


def _greatest(result: dict[str, Any]) -> list[str]:
    bounds = ", ".join(f"{name} {number}" for name, number in result["greatest_by"].items())
    lines = [f"What it carries by each alone: {bounds}."]
    end = "The greatest class that this machine carries: about {greatest_class}, by {limited_by}."
    if result["lab_disk_bytes"] < result["lab_usual_disk_bytes"]:
        lines.append(
            f"Disks were of {result['lab_disk_bytes'] >> 20} MB each, or they would not have "
            f"fitted; of the usual {result['lab_usual_disk_bytes'] >> 20} MB there is room for "
            f"{result['greatest_usual_class']}, and whoever comes then waits in line."
        )
        end += " With disks of that size: lab_max_disk_bytes = {lab_disk_bytes} in slipway.toml."
    return [*lines, end.format(**result)]


def _browsers(result: dict[str, Any]) -> str:
    if not result["browsers"]:
        return "No real browser played: `apt-get install chromium` brings one."
    return (
        "{browsers} of them had real browsers: at the prompt within {browser_join_s:.1f} s, a "
        "command's answer drawn within {browser_answer_p99_ms:.0f} ms."
    ).format(**result)
