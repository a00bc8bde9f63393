"""`./slipway test` whole: a few that fail beside others run once more, alone, and are named."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Runs the noun over another folder of tests, with this folder as its checkout.
RUN = """
import sys
from pathlib import Path
from runtime.cli import test
test.TOP = Path(sys.argv[1])
test.EVERYTHING, test._WORKERS = ([sys.argv[1]],), 1
test.command([])
"""
RACES = """
import pathlib

def test_{name}():
    seen = pathlib.Path(__file__).with_suffix(".seen")
    was_here = seen.exists()
    seen.touch()
    assert was_here
"""
BREAKS_AFTERWARDS = """
import pathlib
import pytest

@pytest.fixture
def place():
    yield
    seen = pathlib.Path(__file__).with_suffix(".seen")
    was_here = seen.exists()
    seen.touch()
    assert was_here, "something is left"

def test_that_leaves_something(place):
    pass
"""
RACES_BEFOREHAND = BREAKS_AFTERWARDS.replace("    yield\n", "")
FAILS = "def test_that_fails(): assert not 'a fault'"
PLUGINS = "xdist.plugin,pytest_timeout"  # what the noun's words need, since each start loads them
PASSES = "import sys\ndef test_that_passes(): assert not sys.dont_write_bytecode"


def run(folder: Path, **files: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    words = [sys.executable, "-c", RUN, str(folder)]
    few = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUGINS}
    few["PYTHONDONTWRITEBYTECODE"] = "1"  # as some images of containers have it
    return subprocess.run(words, capture_output=True, text=True, check=False, env=few)


@pytest.mark.parametrize(
    ("text", "name"),
    [(RACES.format(name="once"), "once"), (RACES_BEFOREHAND, "that_leaves_something")],
)
def test_one_that_fails_beside_others_and_passes_alone_is_named(
    tmp_path: Path, text: str, name: str
) -> None:
    done = run(tmp_path, races=text, passes=PASSES)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(f"it races: test_races::test_{name}\n")


@pytest.mark.parametrize("text", [FAILS, BREAKS_AFTERWARDS])
def test_what_fails_twice_or_leaves_something_fails_the_run(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, bad=text, races=RACES.format(name="once"), passes=PASSES)
    assert done.returncode == 1
    assert "it races" not in done.stdout


def test_many_that_fail_are_not_run_again(tmp_path: Path) -> None:
    done = run(tmp_path, **{f"races{n}": RACES.format(name=n) for n in range(6)})
    assert done.returncode == 1
    assert "once more" not in done.stdout
