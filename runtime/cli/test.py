"""The noun `test`: the checks of this checkout, the same at home and on a build machine."""

from __future__ import annotations

import os
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
# In this order, by files: once a worker has begun with the browser its main thread has a running
# event loop, in which pyroute2 can't work.
EVERYTHING = ["tests/unit", "tests/integration", "tests/security", "tests/browser"]
# More than two cores could carry if tests didn't wait for most of their time.
WORKERS = 3
SPREAD = ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]


@click.command(name="test", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> None:
    """Run the checks: lint, unit, integration, browser or kernel; all of them, if not said.

    What follows is pytest's, such as a file or `-k WORDS`. The tests start servers and labs of
    their own and leave nothing; a server that runs on this machine is not touched.
    """
    kind, rest = (words[0], words[1:]) if words and words[0] in KINDS else ("", words)
    argv = [sys.executable, "-m", "pytest", *_arguments(kind, rest)]
    os.chdir(TOP)
    os.execv(sys.executable, argv)  # noqa: S606  pytest takes our place; no shell is meant


def _arguments(kind: str, rest: tuple[str, ...]) -> list[str]:
    chosen = KINDS.get(kind, EVERYTHING)
    named = [word for word in rest if (TOP / word.split("::")[0]).exists()]
    if named:
        chosen = [word for word in chosen if not word.startswith("tests")]
    spread = [] if "no:xdist" in chosen else SPREAD
    return [*spread, "--timeout", "300", *chosen, *rest]
