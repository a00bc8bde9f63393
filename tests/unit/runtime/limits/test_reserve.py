"""What is said before the disk is full."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.limits.reserve import LOW_DISK_BYTES, Reserve

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (10 * GIB + LOW_DISK_BYTES, ""),
        (10 * GIB + LOW_DISK_BYTES - 4096, "2047 MB left"),
        (9 * GIB, "has 0 MB left"),
    ],
)
def test_a_disk_is_called_low_while_there_is_still_time(
    free: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reserve is a tenth of these 100 GiB, and not counted as room."""
    disk = SimpleNamespace(f_blocks=100 * GIB // 4096, f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: disk)
    problems = Reserve(cast("Any", None), tmp_path, 10).warnings()
    assert [each.code for each in problems] == (["disk-low"] if said else [])
    assert said in "".join(map(str, problems))
