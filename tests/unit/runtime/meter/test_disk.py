"""Disk figures agree with du, holes and second names included."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from runtime.meter.disk import bytes_of

if TYPE_CHECKING:
    from pathlib import Path


def du(path: Path) -> int:
    argv = ["du", "--summarize", "--block-size=1", str(path)]
    return int(subprocess.run(argv, capture_output=True, check=True).stdout.split()[0])


def test_a_folder_costs_what_du_says(tmp_path: Path) -> None:
    below = tmp_path / "a/b/c"
    below.mkdir(parents=True)
    (below / "file").write_bytes(b"x" * 300_000)
    (below / "second-name").hardlink_to(below / "file")
    (below / "link").symlink_to("/etc")
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    assert bytes_of(tmp_path) == du(tmp_path)
    assert bytes_of(below / "file") == du(below / "file")
    assert bytes_of(tmp_path / "hole") == 0


def test_folders_may_be_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    subprocess.run(["mkdir", "-p", f"{tmp_path}/{'d/' * 1200}"], check=True)
    assert bytes_of(tmp_path) == du(tmp_path)
    subprocess.run(["rm", "-r", f"{tmp_path}/d"], check=True)  # pytest would recurse


def test_what_is_not_there_is_unknown_and_not_zero(tmp_path: Path) -> None:
    assert bytes_of(tmp_path / "nothing") is None
