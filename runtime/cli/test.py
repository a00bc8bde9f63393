"""The noun `test`: the checks of this checkout, the same at home and on a build machine."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click

TOP = Path(__file__).resolve().parents[2]

# A kind of check and what pytest is told; without one, everything runs.
KINDS = {
    "lint": ["tests/unit/test_house.py"],
    "unit": ["tests/unit"],
    "integration": ["tests/integration"],
    "browser": ["tests/browser"],
    "kernel": ["-m", "kernel", "tests/integration", "tests/security"],
}
# All of them, in two runs: where a browser has begun, the worker's main thread has a running event
# loop, in which pyroute2 can't work.
EVERYTHING = (["tests/unit", "tests/integration", "tests/security"], ["tests/browser"])
FEW = 5
"""So many of a whole run may fail beside others and pass alone."""

# Most tests wait for most of their time, so three at a time keep two processors busy; browsers do
# that by themselves. A small machine gets fewer: each worker has servers and labs of its own.
_WORKERS, _WORKERS_WITH_BROWSERS = 3, 2
_WORKER_BYTES = 2 << 30
# pytest's codes: tests failed; somebody interrupted it; it found no test of those asked for.
_FAILED, _INTERRUPTED, _NONE_CHOSEN = 1, 2, 5


@click.command(name="test", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> None:
    """Run the checks: lint, unit, integration, browser or kernel; all of them, if not said.

    What follows is pytest's, such as a file or `-k WORDS`. The tests start servers and labs of
    their own and leave nothing; a server that runs on this machine is not touched.

    Where all of them run, several do at a time, and one may wait too long for its neighbours.
    Up to five that failed run once more, alone; those that pass then are named at the end.
    """
    os.chdir(TOP)
    # Servers of tests start by the dozen, each of several processes: none compiles everything anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    codes: list[int] = []
    raced: list[str] = []
    for argv in _runs(words):
        codes.append(_code_of(argv) if words else _code_with_few_again(argv, raced))
        if codes[-1] == _INTERRUPTED:
            break
    for name in raced:
        click.echo(f"Failed beside others, passed alone, so it races: {name}")
    sys.exit(next((code for code in codes if code not in {0, _NONE_CHOSEN}), min(codes)))


def _code_with_few_again(argv: list[str], raced: list[str]) -> int:
    """Run it; where a few tests failed, these once more, one at a time.

    A test that broke after itself stays an error: what it left on the machine is not undone by
    another run.

    Args:
        argv: a run of pytest's.
        raced: gets the names of tests that failed at first.

    Returns:
        pytest's code, of the second run where there was one.
    """
    report = TOP / ".slipway/tests.xml"
    report.parent.mkdir(exist_ok=True)
    code = _code_of([*argv, f"--junitxml={report}"])
    if code != _FAILED:
        return code
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - written by pytest just now
    bad = [case for case in cases if any(said.tag in {"failure", "error"} for said in case)]
    if len(bad) > FEW or any(map(_left_something, bad)):
        return code
    click.echo(f"\n{len(bad)} failed beside others: once more, alone")
    code = _code_of([*argv, "-n0", "--last-failed", "--last-failed-no-failures=none"])
    if code == 0:
        raced += [f"{case.get('classname')}::{case.get('name')}" for case in bad]
    return code


def _left_something(case: ET.Element) -> bool:
    return any("on teardown" in error.get("message", "") for error in case.findall("error"))


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
        return [_run(options, rest)]
    if kind:
        return [_run(KINDS[kind], rest)]
    return [_run(chosen, rest) for chosen in EVERYTHING]


def _run(chosen: list[str], rest: tuple[str, ...]) -> list[str]:
    has_browsers = any(word.startswith("tests/browser") for word in [*chosen, *rest])
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = _WORKERS_WITH_BROWSERS if has_browsers else _WORKERS
    workers = min(most, max(1, memory_bytes // _WORKER_BYTES))
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [sys.executable, "-m", "pytest", *spread, "--timeout", "300", *chosen, *rest]
