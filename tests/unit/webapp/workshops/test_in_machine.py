"""Workshops whose learners work in a machine each, and in no container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.joining import join
from webapp.workshops.labs import shells_of
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring

PLAN = Plan(("00-your-terminal",), in_machine=True)


def come(parts: Wiring) -> tuple[LearnerId, str]:
    workshop = open_workshop(parts.database, parts.library, PLAN)
    learner, token = join(parts.database, workshop.code, "otter", "a")
    return learner.id, token


def machine_is(parts: Wiring, learner: LearnerId, state: str, **facts: object) -> None:
    lab = parts.labs.of(learner)
    assert lab
    machine = {"state": state, "sentence": "", "terminal": None, **facts}
    parts.labs.heard({"type": "machine.changed", "lab": lab["lab"], "machine": machine})


def test_a_learner_waits_for_a_machine_and_works_on_its_console_alone(
    parts: Wiring, engine: MemoryEngine
) -> None:
    learner, _ = come(parts)
    assert parts.line.place_of(learner).state == "making"
    assert engine.asked[0]["in_machine"] is True
    lab: dict[str, Any] = parts.labs.of(learner) or {}
    assert engine.booted == [lab["lab"]]
    lab["terminals"] = [{"terminal": f"{lab['lab']}.1"}]  # were there any, it would be nobody's
    machine_is(parts, learner, "booting", terminal=f"{lab['lab']}.m")
    assert parts.line.place_of(learner).state == "ready"
    assert shells_of(lab) == ["m"]


def test_a_boots_stages_are_the_machines_news_and_its_console_and_end_the_labs(
    parts: Wiring,
) -> None:
    learner, _ = come(parts)
    parts.line.place_of(learner)
    heard: list[str] = []
    parts.news.listen(lambda item: heard.append(item.kind))
    for stage in ("queued", "kernel", "modules"):
        machine_is(parts, learner, "booting", stage=stage)
    assert heard == ["machine"] * 3
    machine_is(parts, learner, "booting", terminal="m")
    machine_is(parts, learner, "ready", terminal="m")
    machine_is(parts, learner, "ended", terminal="m")
    assert heard[3:] == ["machine", "lab", "machine", "machine", "lab"]


def test_a_machine_that_ended_is_said_and_boots_again_for_who_comes_back(
    parts: Wiring, engine: MemoryEngine
) -> None:
    learner, _ = come(parts)
    parts.line.place_of(learner)
    sentence = "The machine was switched off from inside."
    machine_is(parts, learner, "ended", sentence=sentence, terminal="m")
    place = parts.line.place_of(learner)
    assert (place.state, place.sentence.startswith(sentence)) == ("ended", True)
    parts.labs.boot(learner)
    parts.labs.boot(learner)
    assert len(engine.booted) == 2
    assert parts.line.place_of(learner).state == "making"


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Plan(("00-your-terminal",), internet=True, in_machine=True), "has no network"),
        (Plan(("02-what-is-a-container",), in_machine=True), "needs a container"),
    ],
)
def test_what_needs_a_container_or_a_network_is_refused_when_it_is_opened(
    parts: Wiring, plan: Plan, sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence):
        open_workshop(parts.database, parts.library, plan)


def test_an_instructor_chooses_it_and_the_pages_say_so(
    ada: Browser, parts: Wiring, engine: MemoryEngine
) -> None:
    form = {
        "lessons": ["00-your-terminal"],
        "max_learners": "5",
        "minutes": "45",
        "internet": "off",
        "in_machine": "on",
    }
    answer = ada.post("/workshops", form)
    assert engine.wanted[0]["in_machine"] is True
    assert "Each learner has" in ada.get(answer.location).text
    with parts.database.read() as session:
        assert [each.in_machine for each in session.scalars(select(Workshop))] == [True]
