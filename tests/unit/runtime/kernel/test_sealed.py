"""A program that is started from a sealed copy of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runtime.kernel import sealed


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return Path(shutil.copy("/bin/echo", tmp_path / "speaker"))


def started(copy: str | None) -> str:
    """What the copy says of what it was started from."""
    assert copy is not None
    done = subprocess.run(["speaker", "heard"], executable=copy, capture_output=True, check=True)
    return done.stdout.decode()


def test_a_copy_is_started_and_nobody_can_change_it(program: Path) -> None:
    copy = sealed.copy_of(program)
    assert started(copy) == "heard\n"
    assert sealed.copy_of(program) == copy
    assert copy is not None
    with pytest.raises(PermissionError):
        os.truncate(copy, 0)
    with Path(copy).open("r+b", buffering=0) as opened, pytest.raises(PermissionError):
        opened.write(b"#!")


def test_a_program_that_was_replaced_is_copied_anew(program: Path) -> None:
    before = sealed.copy_of(program)
    program.unlink()
    program.write_text("#!/bin/sh\necho new\n")
    program.chmod(0o755)
    assert sealed.copy_of(program) != before
    assert started(sealed.copy_of(program)) == "new\n"
    assert started(before) == "heard\n"
