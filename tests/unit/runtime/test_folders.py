"""What servers share in /run goes with the last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.folders import leave_machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "slipway"
    (folder / "ids").mkdir(parents=True)
    (folder / "accelerator").write_text("tcg")
    return folder


def test_the_last_server_leaves_nothing_in_run(shared: Path) -> None:
    leave_machine(shared)
    assert not shared.exists()
    leave_machine(shared)


@pytest.mark.parametrize("other", ["1a2b3c", "ids/7"])
def test_what_another_server_needs_stays(shared: Path, other: str) -> None:
    (shared / other).mkdir()
    leave_machine(shared)
    assert (shared / other).exists()
    assert (shared / "accelerator").exists()
