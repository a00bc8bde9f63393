"""A mirror is asked first, and the registry where that helps."""

from __future__ import annotations

import pytest

from runtime.image.fetch import from_either
from runtime.image.reference import Reference, read
from runtime.problems import Problem

IMAGE = read("team/web:1")
MIRROR = IMAGE.at(Reference("mirror.example", "", ""))


def asked(code: str) -> tuple[list[Reference], Problem]:
    """Whom one asks where all refuse, and what is said at last."""
    places: list[Reference] = []

    def have(place: Reference) -> None:
        places.append(place)
        raise Problem(code, f"No {len(places)}.")

    with pytest.raises(Problem) as said:
        from_either(MIRROR, IMAGE, have)
    return places, said.value


def test_where_both_refuse_both_are_said() -> None:
    places, said = asked("registry-away")
    assert places == [MIRROR, IMAGE]
    assert said.sentence == "No 2. Its mirror: No 1."


@pytest.mark.parametrize("code", ["image-unfit", "image-store-full", "image-too-large"])
def test_what_would_be_the_same_elsewhere_is_said_at_once(code: str) -> None:
    assert asked(code)[0] == [MIRROR]
