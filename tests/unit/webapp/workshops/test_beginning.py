"""What is done in a fresh lab, on which side, and what is said where the machine doesn't come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.lesson_format.model import Beginning, Deed, DeedKind, Where
from webapp.workshops.beginning import play, script_of

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine

DEEDS = (
    Deed(DeedKind.RUN, "lost", where=Where.MACHINE),
    Deed(DeedKind.BOOT, "cold"),
    Deed(DeedKind.RUN, "both", where=Where.BOTH),
    Deed(DeedKind.ANSWER, "a question", value="1"),
    Deed(DeedKind.RUN, "there", where=Where.MACHINE),
    Deed(DeedKind.RUN, "here"),
)


@pytest.fixture
def lab(engine: MemoryEngine) -> str:
    made: str = engine.lab_create(key="learner-1")["lab"]
    return made


def test_a_machine_boots_with_an_empty_disk_and_after_an_end_there_is_none() -> None:
    beginning = Beginning.of(DEEDS)
    assert beginning.boot == "cold"
    assert beginning.typed_into(Where.CONTAINER) == ("both", "here")
    assert beginning.typed_into(Where.MACHINE) == ("both", "there")
    over = Beginning.of((*DEEDS, Deed(DeedKind.BOOT, "end")))
    assert (over.boot, over.typed_into(Where.MACHINE)) == ("", ())
    assert over.typed_into(Where.CONTAINER) == ("both", "here")
    alone = Beginning.of(DEEDS[-2:])
    assert (alone.boot, alone.typed_into(Where.MACHINE)) == ("cold", ("there",))


def test_each_side_gets_its_commands_and_a_machine_alone_gets_all(
    engine: MemoryEngine, lab: str
) -> None:
    heard: list[tuple[int, int]] = []

    def told(done: int, of: int) -> None:
        heard.append((done, of))

    assert play(engine, lab, Beginning.of(DEEDS), told=told) == ""
    assert heard == [(1, 4), (3, 4)]
    assert engine.prepared == [
        (lab, script_of(("both", "here")), "container"),
        (lab, script_of(("both", "there")), "machine"),
    ]
    engine.prepared.clear()
    assert engine.timed == [lab]
    assert play(engine, lab, Beginning.of(DEEDS[2:]), in_machine=True) == ""
    assert engine.prepared == [(lab, script_of(("both", "there", "here")), "machine")]


def test_a_machine_that_does_not_come_is_said_and_the_container_is_as_it_should_be(
    engine: MemoryEngine, lab: str
) -> None:
    engine.machine = {"state": "failed", "sentence": "There is no memory for it."}
    assert "There is no memory for it." in play(engine, lab, Beginning.of(DEEDS))
    assert engine.prepared == [(lab, script_of(("both", "here")), "container")]


def test_what_the_planner_was_asked_is_asked_again_and_a_no_belongs_to_it(
    engine: MemoryEngine, lab: str
) -> None:
    asked = (*DEEDS, Deed(DeedKind.MORE, "until-no"), Deed(DeedKind.MORE, "container"))
    assert play(engine, lab, Beginning.of(asked)) == ""
    assert engine.planned == ["machine"] * (engine.fitting + 1) + ["container"]
    stopped = (*asked, Deed(DeedKind.MORE, "stop"), Deed(DeedKind.MORE, "machine"))
    assert Beginning.of(stopped).asks == ("machine",)


def test_a_planner_that_never_says_no_is_said_and_what_was_typed_is_there(
    engine: MemoryEngine, lab: str
) -> None:
    engine.fitting = 1000
    deeds = (DEEDS[-1], Deed(DeedKind.MORE, "until-no"))
    assert "none refused" in play(engine, lab, Beginning.of(deeds))
    assert engine.prepared == [(lab, script_of(("here",)), "container")]
