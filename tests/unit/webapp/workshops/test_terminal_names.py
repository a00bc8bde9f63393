"""Names of terminals: kept with the learner, and bounded whatever is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.workshops.joining import join
from webapp.workshops.terminal_names import LENGTH_MOST, call_terminal, names_of

if TYPE_CHECKING:
    from webapp.models.base import LearnerId
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

LAB, NEXT_LAB = "000000a0", "000000a1"


@pytest.fixture
def ben(parts: Wiring, workshop: Workshop) -> LearnerId:
    return join(parts.database, workshop.code, "ben", "b")[0].id


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("logs <b>", {"2": "logs <b>"}),
        ("  two \t words ", {"2": "two words"}),
        ("\x1b[31mred\u202e\u200b", {"2": "[31mred"}),
        ("x" * 10_000, {"2": "x" * LENGTH_MOST}),
        ("\x00\u200b ", {}),
        ("", {}),
    ],
)
def test_a_name_is_kept_as_far_as_it_can_be_seen(
    parts: Wiring, ben: LearnerId, typed: str, kept: dict[str, str]
) -> None:
    call_terminal(parts.database, ben, f"{LAB}.2", "before")
    call_terminal(parts.database, ben, f"{LAB}.2", typed)
    assert names_of(parts.database, ben, LAB) == kept


def test_another_lab_begins_without_names_and_keeps_none_of_the_last(
    parts: Wiring, ben: LearnerId
) -> None:
    call_terminal(parts.database, ben, f"{LAB}.1", "build")
    assert names_of(parts.database, ben, NEXT_LAB) == {}
    call_terminal(parts.database, ben, f"{NEXT_LAB}.1", "logs")
    assert names_of(parts.database, ben, NEXT_LAB) == {"1": "logs"}
    assert names_of(parts.database, ben, LAB) == {}
