"""Files that are held open are read as they are now, also when others stand in their place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.limits import kept

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_changes_is_read_as_it_is_now(tmp_path: Path) -> None:
    files, path = kept.KeptFiles(), tmp_path / "pids.current"
    assert files.read(str(path)) is None
    path.write_text("7\n")
    assert files.read(str(path)) == b"7\n"
    path.write_text("12\n")
    assert files.read(str(path)) == b"12\n"


def test_what_was_dropped_is_opened_anew_and_nothing_stays_open(tmp_path: Path) -> None:
    files, group = kept.KeptFiles(), tmp_path / "LAB.m"
    group.mkdir()
    (group / "memory.current").write_text("1\n")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path's iteration holds one open
    files.read(str(group / "memory.current"))
    files.drop(str(group))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    (group / "memory.current").unlink()
    (group / "memory.current").write_text("2\n")
    assert files.read(str(group / "memory.current")) == b"2\n"


def test_lines_are_found_by_their_whole_name() -> None:
    text = b"inactive_file 5\nactive_file 7\nfile 100\n"
    assert kept.sum_in(text, b"active_file", b"file") == 107
    assert kept.sum_in(text, b"active_file", b"slab") is None
    assert kept.number_in(b"max\n") is None
    assert kept.pressure_in(b"some avg10=1.25 avg60=0.00\nfull avg10=0.00\n") == 1.25
    assert kept.pressure_in(None) is None
