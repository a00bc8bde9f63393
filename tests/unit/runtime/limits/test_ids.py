"""No two labs of a machine share a user id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.limits import ids
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


def test_two_owners_get_blocks_that_do_not_meet(tmp_path: Path) -> None:
    first, second = ids.claim("a/1", tmp_path), ids.claim("b/1", tmp_path)
    assert abs(first - second) >= ids.BLOCK_IDS
    assert first >= ids.FIRST_ID


def test_the_same_owner_gets_the_same_block_again(tmp_path: Path) -> None:
    ids.claim("a/1", tmp_path)
    assert ids.claim("a/2", tmp_path) == ids.claim("a/2", tmp_path)


def test_a_block_that_was_given_back_is_used_again(tmp_path: Path) -> None:
    first = ids.claim("a/1", tmp_path)
    ids.claim("a/2", tmp_path)
    ids.release("a/1", tmp_path)
    assert ids.claim("a/3", tmp_path) == first


def test_to_give_back_what_one_has_not_does_nothing(tmp_path: Path) -> None:
    ids.release("a/1", tmp_path / "missing")


def test_blocks_of_other_users_of_the_machine_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved = tmp_path / "subuid"
    reserved.write_text(f"# made by hand\nben:{ids.FIRST_ID + 5}:65536\nbroken line\n")
    monkeypatch.setattr(ids, "_SUBIDS", (reserved, tmp_path / "missing"))
    assert ids.claim("a/1", tmp_path / "claims") == ids.base_of(1)


def test_a_machine_without_free_ids_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "_LAST_BLOCK", 1)
    ids.claim("a/1", tmp_path)
    with pytest.raises(Problem, match="no user ids left"):
        ids.claim("a/2", tmp_path)
