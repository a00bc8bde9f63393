"""What happens by itself."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_for
from webapp.models.base import now
from webapp.models.workshops import Workshop, running_workshops
from webapp.problems import Problem
from webapp.wiring import wire
from webapp.workshops import clock, labs
from webapp.workshops.changing import add_minutes
from webapp.workshops.ending import end_soon
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, ensure_demo, open_workshop

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item


@pytest.fixture
def workshop(parts: Wiring) -> Workshop:
    """One whose server has asked which labs there are."""
    parts.labs.refresh()
    return open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)))


def time_is_up(parts: Wiring, workshop: Workshop) -> None:
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).ends_at = now() - timedelta(seconds=1)


def read(parts: Wiring, workshop: Workshop) -> Workshop:
    with parts.database.read() as session:
        return session.get_one(Workshop, workshop.id)


def test_a_workshop_that_nobody_works_in_ends_when_its_time_is_up(
    parts: Wiring, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    heard: list[Item] = []
    parts.news.listen(heard.append)
    time_is_up(parts, workshop)
    parts.clock.tick()
    assert read(parts, workshop).ended_at is not None
    assert [item.kind for item in heard if item.learner_id == learner.id][:1] == ["ended"]


def test_a_class_at_work_gets_15_minutes_once_and_then_it_ends(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    heard: list[Item] = []
    parts.news.listen(heard.append)
    time_is_up(parts, workshop)
    parts.clock.tick()
    overran = read(parts, workshop)
    assert overran.is_over_time
    assert 13 * 60 < (overran.ends_at - now()).total_seconds() <= 15 * 60
    assert engine.extended == {learner.lab_key: overran.ends_at.timestamp()}
    assert [item.kind for item in heard] == ["clock", "lab"]
    time_is_up(parts, workshop)
    parts.clock.tick()
    assert engine.labs == {}
    assert read(parts, workshop).ended_at is not None


@pytest.mark.parametrize("works", [True, False])
def test_a_class_whose_time_is_up_as_the_web_begins_is_decided_once_labs_are_known(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop, *, works: bool
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    if works:
        parts.line.place_of(learner.id)
    time_is_up(parts, workshop)
    web = wire(parts.settings, engine)
    with closing(web.database):
        web.clock.tick()
        assert read(parts, workshop).ended_at is None
        web.labs.refresh()
        web.clock.tick()
        assert read(parts, workshop).is_over_time is works
        assert (read(parts, workshop).ended_at is None) is works
        assert bool(engine.labs) is works


def test_a_class_that_had_its_15_minutes_ends_though_labs_are_unknown(
    parts: Wiring, workshop: Workshop
) -> None:
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).overran_at = now()
    time_is_up(parts, workshop)
    parts.labs.set_away(is_away=True)
    parts.clock.tick()
    assert read(parts, workshop).ended_at is not None


def test_who_gives_more_time_is_asked_again_at_its_end(parts: Wiring, workshop: Workshop) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    for _ in range(2):
        time_is_up(parts, workshop)
        parts.clock.tick()
        assert read(parts, workshop).is_over_time
        add_minutes(parts.database, parts.labs, parts.news, workshop.id, 15)
        assert not read(parts, workshop).is_over_time


def test_an_end_that_was_pressed_comes_in_two_minutes_and_gives_no_more(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    end_soon(parts.database, parts.labs, parts.news, workshop.id)
    ends_at = read(parts, workshop).ends_at
    assert 100 < (ends_at - now()).total_seconds() <= 120
    assert engine.extended == {learner.lab_key: ends_at.timestamp()}
    time_is_up(parts, workshop)
    parts.clock.tick()
    assert engine.labs == {}


def test_a_demo_is_open_while_there_is_nothing_else(parts: Wiring) -> None:
    parts.clock.tick()
    with parts.database.read() as session:
        (demo,) = running_workshops(session)
    assert demo.is_demo
    open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)))
    parts.clock.tick()
    with parts.database.read() as session:
        assert [each.is_demo for each in running_workshops(session)] == [False]


def test_one_demo_is_enough(parts: Wiring) -> None:
    first, second = (ensure_demo(parts.database, parts.library) for _ in range(2))
    assert first
    assert second
    assert first.id == second.id


def test_a_lab_that_died_is_told_with_its_reason_and_made_anew_when_asked(
    parts: Wiring, engine: MemoryEngine
) -> None:
    workshop = open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)))
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    lab = parts.line.place_of(learner.id).lab
    assert lab
    heard: list[Item] = []
    parts.news.listen(heard.append)
    engine.labs.clear()
    parts.labs.heard({"type": "lab.ended", "lab": lab["lab"], "reason": "died", "seq": 1})
    assert heard[0].facts["state"] == "ended"
    assert "Your container has ended." in heard[0].facts["sentence"]
    assert parts.labs.of(learner.id) is None
    again = parts.line.place_of(learner.id).lab
    assert again
    assert again["lab"] != lab["lab"]


def test_a_runtime_that_was_not_there_yet_is_lost_only_after_its_time_to_start(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "RETRY_S", 0.01)
    monkeypatch.setattr(labs, "START_S", 3600.0)
    tries: list[int] = []

    def status() -> dict[str, Any]:
        tries.append(len(tries))
        raise Problem("runtime-away", "The runtime is away.")

    monkeypatch.setattr(engine, "status", status)
    follows = threading.Thread(target=parts.clock._follow_for_ever)
    follows.start()
    try:
        wait_for(lambda: len(tries) > 3, "some tries")
        assert parts.labs.is_away  # nothing is asked of it
        assert not parts.labs.is_lost
        monkeypatch.setattr(labs, "START_S", 0.0)
        wait_for(lambda: parts.labs.is_lost, "that it is lost")
    finally:
        parts.clock.stop()
        follows.join()


def test_a_limit_and_an_ended_shell_reach_their_learner_only(parts: Wiring) -> None:
    workshop = open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)))
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    lab = parts.line.place_of(learner.id).lab
    assert lab
    heard: list[Item] = []
    parts.news.listen(heard.append)
    parts.labs.heard({"type": "lab.limit", "lab": lab["lab"], "limit": "pids", "sentence": "Full."})
    parts.labs.heard({"type": "shell.ended", "lab": lab["lab"], "terminal": f"{lab['lab']}.1"})
    parts.labs.heard({"type": "lab.limit", "lab": "ffffffff", "limit": "pids", "sentence": "x"})
    assert [(item.kind, item.learner_id) for item in heard] == [
        ("limit", learner.id),
        ("shell", learner.id),
    ]
