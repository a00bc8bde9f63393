"""The browser's scripts that need no document, run by node: one test here is one file there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
FILES = sorted((TOP / "tests/unit/js").glob("*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_script_does_what_its_tests_say(file: Path) -> None:
    done = subprocess.run(["node", file], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
