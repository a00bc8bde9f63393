"""A lab's record on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.container.bundle import User
from runtime.labs import state
from runtime.limits.amounts import Limits

if TYPE_CHECKING:
    from pathlib import Path

USER = User("learner", 1000, 1000, "/home/learner", "/bin/bash")


@pytest.fixture
def lab() -> state.Lab:
    shape = state.Shape("slipway/base", limits=Limits(64 << 20, 50, 0.5))
    return state.Lab(state.new_id(), shape, 0x40000000, USER, key="learner-1", until=1e9, pid=7)


def test_a_record_is_read_back_as_it_was_written(lab: state.Lab, tmp_path: Path) -> None:
    state.save(lab, tmp_path)
    assert state.load(tmp_path) == lab


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "1"}', '{"shape": {"limits": {}}}'])
def test_a_record_that_cannot_be_read_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text)
    assert state.load(tmp_path) is None


def test_a_folder_without_a_record_has_none(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None


def test_nothing_but_a_labs_name_is_taken_for_one() -> None:
    assert state.is_id(state.new_id())
    assert not any(map(state.is_id, ["", "instance", "0A1B2C3D", "0a1b2c3d\n", "../../etc"]))


def test_a_lab_is_named_after_itself_alone(lab: state.Lab) -> None:
    assert lab.hostname == f"lab-{lab.id[:6]}"
    assert "learner-1" not in lab.hostname


def test_checks_have_an_id_outside_the_labs_map(lab: state.Lab) -> None:
    assert lab.check_uid not in range(lab.uid_base, lab.uid_base + 65536)
