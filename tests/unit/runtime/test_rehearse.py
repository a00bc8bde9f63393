"""How far a machine goes, by what was seen of one class."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.cli.rehearse import _judged, _text


def seen(**more: object) -> dict[str, Any]:
    return {
        "joined": 40,
        "join_p99_s": 3.0,
        "keystroke_alone_p99_ms": 2.0,
        "keystroke_p99_ms": 4.0,
        "wall_lag_p99_s": 0.1,
        "checks": 160,
        "processors_busy": 0.1,
        "errors": [],
        **more,
    }


@pytest.mark.parametrize(
    ("facts", "more", "greatest", "carried"),
    [
        ({}, 20, 60, True),  # memory and disk end first
        ({"processors_busy": 0.5}, 900, 80, True),  # the processors do
        ({"keystroke_p99_ms": 12.0}, 900, 20, False),  # keys are slow already
        ({"join_p99_s": 120.0}, 900, 20, False),  # joining is
        ({"joined": 39}, 0, 40, False),
        ({"errors": ["a check broke"]}, 0, 40, False),
    ],
)
def test_the_greatest_class_is_what_gives_out_first(
    facts: dict[str, Any], more: int, greatest: int, *, carried: bool
) -> None:
    result = _judged(seen(**facts), 40, more)
    assert (result["greatest_class"], result["carried"]) == (greatest, carried)
    assert str(greatest) in _text(result).splitlines()[-1]


def test_what_went_wrong_is_said_in_words() -> None:
    text = _text(_judged(seen(errors=["check: No.", *"abcdef"]), 40, 0))
    assert "Error: check: No." in text
    assert text.count("Error: ") == 5
