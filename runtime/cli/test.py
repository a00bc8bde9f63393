"""The noun `test`: the checks of this checkout, the same at home and on a build machine."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

TOP = Path(__file__).resolve().parents[2]

# A kind of check and what pytest is told; without one, everything runs.
KINDS = {
    "lint": ["tests/unit/test_house.py"],
    "unit": ["tests/unit"],
    "integration": ["tests/integration"],
    "browser": ["tests/browser"],
    "kernel": ["-m", "kernel", "-p", "no:xdist", "tests"],
}
# All of them, in two runs of so many workers each. Most tests wait for most of their time, so three
# at a time keep two processors busy. Browsers do that by themselves; and where one has begun, the
# worker's main thread has a running event loop, in which pyroute2 can't work.
EVERYTHING = ((3, ["tests/unit", "tests/integration", "tests/security"]), (2, ["tests/browser"]))
_WORKERS = 2
# pytest's codes: somebody interrupted it; it found no test of those that were asked for.
_INTERRUPTED, _NONE_CHOSEN = 2, 5


@click.command(name="test", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> None:
    """Run the checks: lint, unit, integration, browser or kernel; all of them, if not said.

    What follows is pytest's, such as a file or `-k WORDS`. The tests start servers and labs of
    their own and leave nothing; a server that runs on this machine is not touched.
    """
    os.chdir(TOP)
    codes: list[int] = []
    for argv in _runs(words):
        codes.append(_code_of(argv))
        if codes[-1] == _INTERRUPTED:
            break
    sys.exit(next((code for code in codes if code not in {0, _NONE_CHOSEN}), min(codes)))


def _code_of(argv: list[str]) -> int:
    """Run it to its end, which is its own affair also where we are told to end."""
    pid = os.posix_spawn(argv[0], argv, os.environ)
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal's goes to both of us
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _runs(words: tuple[str, ...]) -> list[list[str]]:
    """The command lines of the runs that were asked for."""
    kind, rest = (words[0], words[1:]) if words and words[0] in KINDS else ("", words)
    named = any((TOP / word.split("::")[0]).exists() for word in rest)
    if named:
        options = [word for word in KINDS.get(kind, ()) if not word.startswith("tests")]
        return [_run(_WORKERS, options, rest)]
    if kind:
        return [_run(_WORKERS, KINDS[kind], rest)]
    return [_run(workers, chosen, rest) for workers, chosen in EVERYTHING]


def _run(workers: int, chosen: list[str], rest: tuple[str, ...]) -> list[str]:
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    is_alone = "no:xdist" in chosen
    start = [sys.executable, "-m", "pytest", *([] if is_alone else spread)]
    return [*start, "--timeout", "300", *chosen, *rest]
