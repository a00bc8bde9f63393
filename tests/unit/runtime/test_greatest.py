"""How far a machine goes, by what was seen of one class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.cli.rehearse import _text
from runtime.greatest import Room, judged
from runtime.limits.amounts import Limits
from runtime.limits.disk import files_bytes, image_bytes

MIB = 1 << 20
LIMITS = Limits(memory_bytes=256 * MIB, disk_bytes=512 * MIB)
AMPLE = 1 << 50


def seen(**more: object) -> dict[str, Any]:
    return {
        "joined": 40,
        "join_p99_s": 3.0,
        "keystroke_alone_p99_ms": 2.0,
        "keystroke_p99_ms": 4.0,
        "wall_lag_p99_s": 0.1,
        "checks": 160,
        "browsers": 3,
        "browser_join_s": 2.0,
        "browser_answer_p99_ms": 60.0,
        "processors_of_server": 0.01,
        "processors_of_others": 0.0,
        "errors": [],
        **more,
    }


def result(
    facts: dict[str, Any], memory: int = AMPLE, disk: int = AMPLE, played: Limits = LIMITS
) -> dict[str, Any]:
    """Of 40 learners whose labs took 10 MiB each."""
    rooms = Room(memory, disk), Room(memory - 400 * MIB, disk)
    return judged(seen(**facts), 40, 40, rooms, (LIMITS, played))


@pytest.mark.parametrize(
    ("facts", "greatest", "limited_by", "carried"),
    [
        ({}, 3600, "processors", True),
        ({"processors_of_server": 0.45}, 80, "processors", True),
        ({"processors_of_server": 0.45, "processors_of_others": 0.45}, 40, "processors", True),
        ({"keystroke_p99_ms": 12.0}, 20, "keys", False),
        ({"join_p99_s": 120.0}, 20, "joining", False),
        ({"joined": 39}, 39, "errors", False),
        ({"errors": ["a check broke"]}, 39, "errors", False),
        ({"errors": ["a check broke"] * 80}, 0, "errors", False),
    ],
)
def test_the_greatest_class_is_what_gives_out_first(
    facts: dict[str, Any], greatest: int, limited_by: str, *, carried: bool
) -> None:
    found = result(facts)
    assert (found["greatest_class"], found["limited_by"]) == (greatest, limited_by)
    assert found["carried"] is carried
    assert f"about {greatest}, by {limited_by}." in _text(found)


def test_memory_counts_as_it_was_taken_and_lets_the_last_in_with_all_it_may_use() -> None:
    found = result({}, memory=(256 + 600) * MIB)
    assert (found["greatest_class"], found["limited_by"]) == (60, "memory")


def test_disks_count_as_large_as_labs_usually_have_them() -> None:
    found = result({}, disk=50 * image_bytes(LIMITS) + 1)
    assert (found["greatest_class"], found["limited_by"]) == (50, "disk")
    assert found["greatest_usual_class"] == 50


def test_a_class_that_was_carried_with_smaller_disks_is_not_said_to_be_too_great() -> None:
    smaller = replace(LIMITS, disk_bytes=200 * MIB)
    found = result({}, disk=46 * image_bytes(smaller) + 1, played=smaller)
    assert found["carried"]
    assert (found["greatest_class"], found["limited_by"]) == (46, "disk")
    assert found["greatest_usual_class"] == 46 * image_bytes(smaller) // image_bytes(LIMITS) < 40
    text = _text(found)
    assert "of 200 MB each" in text
    assert f"room for {found['greatest_usual_class']}," in text
    assert "disk 46" in text
    assert f"lab_max_disk_bytes = {200 * MIB} in slipway.toml" in text


def test_no_bound_is_below_a_class_that_was_carried() -> None:
    found = result({"processors_of_server": 0.5, "processors_of_others": 0.8})
    assert (found["carried"], found["greatest_class"]) == (True, 40)
    missed = result({"processors_of_server": 0.5, "processors_of_others": 0.8, "joined": 39})
    assert missed["greatest_class"] < 39


def test_disks_of_a_class_that_would_not_fit_are_smaller() -> None:
    smaller = replace(LIMITS, disk_bytes=200 * MIB)
    room = Room(AMPLE, 100 * image_bytes(smaller) + 1)
    assert room.disk_each_bytes(100, LIMITS) == 200 * MIB
    assert room.disk_each_bytes(10, LIMITS) == LIMITS.disk_bytes


@example(disk=1186841, inodes=16)  # its image has no byte to spare
@given(disk=st.integers(MIB, 1 << 44), inodes=st.integers(1, 1 << 22))
def test_a_disk_is_as_large_as_its_image_has_room_for(disk: int, inodes: int) -> None:
    limits = replace(LIMITS, disk_bytes=disk, inodes=inodes)
    fits = files_bytes(image_bytes(limits), inodes)
    assert disk <= fits < disk + 8192
    assert image_bytes(replace(limits, disk_bytes=fits)) <= image_bytes(limits)


def test_what_went_wrong_is_said_in_words() -> None:
    text = _text(result({"errors": ["check: No.", *"abcdef"]}))
    assert "Error: check: No." in text
    assert text.count("Error: ") == 5


def test_a_machine_without_a_browser_says_how_to_get_one() -> None:
    assert "apt-get install chromium" in _text(result({"browsers": 0}))


def test_a_machine_that_is_busy_with_other_things_is_said_to_be() -> None:
    assert "rehearse again" not in _text(result({"processors_of_others": 0.1}))
    assert "rehearse again" in _text(result({"processors_of_others": 0.5}))
