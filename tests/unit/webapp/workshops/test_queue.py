"""The waiting line: in order, by itself, and nobody is lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_for, wait_for_threads
from webapp.models.base import now
from webapp.models.people import learners_of, waiting_learners
from webapp.models.workshops import Workshop
from webapp.workshops import clock, labs, queue
from webapp.workshops.ending import end_workshop
from webapp.workshops.forgetting import GONE, forget_learner
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.queue import Place

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring


def class_of(parts: Wiring, most: int) -> Workshop:
    return open_workshop(
        parts.database, parts.library, Plan(("00-your-terminal",), max_learners=most)
    )


def come(parts: Wiring, workshop: Workshop, *names: str) -> list[LearnerId]:
    return [join(parts.database, workshop.code, name, f"a-{name}")[0].id for name in names]


def states(parts: Wiring, learners: list[LearnerId]) -> list[tuple[str, int | None]]:
    places = [parts.line.place_of(each) for each in learners]
    return [(place.state, place.place) for place in places]


def test_who_finds_room_has_a_lab_made_as_the_workshop_says(
    parts: Wiring, engine: MemoryEngine
) -> None:
    workshop = class_of(parts, 2)
    (otter,) = come(parts, workshop, "otter")
    place = parts.line.place_of(otter)
    assert place.state == "ready"
    assert place.lab == engine.labs[f"learner-{otter}"]
    asked = engine.asked[0]
    assert asked["until"] == workshop.ends_at.timestamp()
    assert asked["limits"] == {"memory_bytes": 256 * 1024**2, "pids": 128, "cpu_cores": 1.0}
    assert asked["internet"] is False
    assert parts.line.place_of(otter) == place
    assert len(engine.labs) == 1


def test_a_full_workshop_lets_the_next_in_when_the_number_is_raised(parts: Wiring) -> None:
    workshop = class_of(parts, 1)
    learners = come(parts, workshop, "otter", "heron", "lynx")
    assert states(parts, learners) == [("ready", None), ("waiting", 1), ("waiting", 2)]
    sentence = parts.line.place_of(learners[2]).sentence
    assert sentence.startswith("This workshop is full: 1 of 1.")
    assert sentence.endswith("You are 2nd in line.")
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).max_learners = 2
    parts.line.move()
    wait_for_threads("line")
    assert states(parts, learners) == [("ready", None), ("ready", None), ("waiting", 1)]


def test_a_full_server_lets_learners_in_in_order_when_labs_end(
    parts: Wiring, engine: MemoryEngine
) -> None:
    engine.room = 1
    workshop = class_of(parts, 10)
    learners = come(parts, workshop, "otter", "heron", "lynx")
    assert states(parts, learners) == [("ready", None), ("waiting", 1), ("waiting", 2)]
    sentence = parts.line.place_of(learners[2]).sentence
    assert sentence.startswith("The server is full: you are 2nd in line.")
    parts.labs.remove(learners[0])
    engine.room = 1
    parts.line.move()
    wait_for_threads("line")
    assert parts.labs.of(learners[1])
    assert parts.labs.of(learners[2]) is None


def test_nobody_who_comes_later_overtakes_the_line(parts: Wiring, engine: MemoryEngine) -> None:
    engine.room = 0
    workshop = class_of(parts, 10)
    (otter,) = come(parts, workshop, "otter")
    assert states(parts, [otter]) == [("waiting", 1)]
    engine.room = 1
    (heron,) = come(parts, workshop, "heron")
    assert states(parts, [heron]) == [("waiting", 2)]
    parts.line.move()
    wait_for_threads("line")
    assert states(parts, [otter, heron]) == [("ready", None), ("waiting", 1)]


@pytest.mark.parametrize("room", [0, 1])
def test_nobody_s_place_changes_while_the_first_in_line_is_tried(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    engine.room = 0
    workshop = class_of(parts, 2)
    learners = come(parts, workshop, "otter", "heron", "lynx")
    expected = [("waiting", 1), ("waiting", 2), ("waiting", 3)]
    assert states(parts, learners) == expected
    engine.room = room
    lab_create = engine.lab_create
    seen: list[Place] = []

    def looked_at(*, key: str, **order: object) -> dict[str, Any]:
        if not seen:
            seen.extend(parts.line.place_of(each) for each in learners[1:])
        return lab_create(key=key, **order)

    monkeypatch.setattr(engine, "lab_create", looked_at)
    parts.line.move()
    wait_for_threads("line")
    assert [(each.state, each.place) for each in seen] == expected[1:]
    assert {each.sentence[:19] for each in seen} == {"The server is full:"}
    assert (parts.labs.of(learners[0]) is not None) is bool(room)
    assert parts.labs.of(learners[1]) is None


def test_a_lab_that_takes_long_holds_up_neither_the_clock_nor_the_next_in_line(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.room = 0
    slow, quick = come(parts, class_of(parts, 10), "slow", "quick")
    assert states(parts, [slow, quick]) == [("waiting", 1), ("waiting", 2)]
    engine.room = 2
    lab_create, is_over = engine.lab_create, threading.Event()

    def wait_if_slow(*, key: str, **order: object) -> dict[str, Any]:
        if key == f"learner-{slow}":
            is_over.wait(10)
        return lab_create(key=key, **order)

    monkeypatch.setattr(engine, "lab_create", wait_if_slow)
    parts.clock.tick()
    wait_for(lambda: parts.labs.of(quick), "the second in line")
    assert parts.labs.of(slow) is None
    is_over.set()
    wait_for(lambda: parts.labs.of(slow), "the first in line")


def test_a_runtime_that_is_away_keeps_the_place_and_gives_the_lab_later(
    parts: Wiring, engine: MemoryEngine
) -> None:
    engine.is_away = True
    (otter,) = come(parts, class_of(parts, 1), "otter")
    place = parts.line.place_of(otter)
    assert (place.state, place.sentence) == (
        "away",
        "The runtime is away. It comes back by itself.",
    )
    engine.is_away = False
    assert states(parts, [otter]) == [("ready", None)]


def test_the_line_survives_a_restart_of_the_web(parts: Wiring, engine: MemoryEngine) -> None:
    workshop = class_of(parts, 1)
    learners = come(parts, workshop, "otter", "heron")
    states(parts, learners)
    with parts.database.read() as session:
        kept = learners_of(session, workshop.id)
    assert [each.admitted_at is None for each in kept] == [False, True]
    parts.labs._by_learner.clear()  # as a new process begins
    parts.clock.found()
    assert states(parts, learners) == [("ready", None), ("waiting", 1)]
    assert len(engine.labs) == 1


@pytest.mark.parametrize("is_away", [False, True])
def test_an_ended_workshop_leaves_no_lab_even_when_the_runtime_was_away(
    parts: Wiring, engine: MemoryEngine, is_away: bool
) -> None:
    workshop = class_of(parts, 2)
    learners = come(parts, workshop, "otter", "heron")
    states(parts, learners)
    engine.is_away = is_away
    end_workshop(parts.database, parts.labs, parts.news, workshop.id)
    engine.is_away = False
    parts.clock.found()
    assert engine.labs == {}
    assert states(parts, learners) == [("ended", None), ("ended", None)]


def test_nobody_is_let_in_while_the_runtime_is_only_starting(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.room = 0
    learners = come(parts, class_of(parts, 10), "otter", "heron")
    states(parts, learners)
    engine.is_away = True
    monkeypatch.setattr(clock, "RETRY_S", 0.01)
    monkeypatch.setattr(labs, "START_S", 3600.0)
    follows = threading.Thread(target=parts.clock._follow_for_ever)
    follows.start()
    try:
        wait_for(lambda: parts.labs.is_away, "that it is asked in vain")
        assert not parts.labs.is_lost
        parts.line._let_in()
        with parts.database.read() as session:
            assert [each.id for each in waiting_learners(session)] == learners
    finally:
        parts.clock.stop()
        follows.join()


def test_those_in_line_hear_that_their_class_begins_also_where_nobody_gets_in(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = class_of(parts, 10)
    (otter,) = come(parts, workshop, "otter")
    soon = now() + timedelta(minutes=5)
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).starts_at = soon
    engine.room = 0
    told: list[str] = []
    parts.news.listen(lambda item: told.append(item.kind))
    parts.line._let_in()
    monkeypatch.setattr(queue, "now", lambda: soon)
    told.clear()
    parts.line._let_in()
    assert told == ["lab"]
    assert parts.line.place_of(otter).sentence.startswith("The server is full")


def test_who_was_forgotten_has_no_place(parts: Wiring) -> None:
    learner, _ = join(parts.database, class_of(parts, 1).code, "otter", "a")
    web_path = parts.settings.web_path
    forget_learner(parts.database, parts.labs, parts.news, parts.classes, web_path, learner)
    assert parts.line.place_of(learner.id) == Place("ended", sentence=GONE)


def test_a_workshop_that_ends_while_a_lab_is_made_leaves_none(
    parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = class_of(parts, 2)
    (otter,) = come(parts, workshop, "otter")
    create = engine.lab_create

    def end_meanwhile(*, key: str, **order: object) -> dict[str, Any]:
        lab = create(key=key, **order)
        end_workshop(parts.database, parts.labs, parts.news, workshop.id)
        return lab

    monkeypatch.setattr(engine, "lab_create", end_meanwhile)
    assert states(parts, [otter]) == [("ended", None)]
    assert engine.labs == {}


def test_a_place_that_was_added_goes_to_who_waits_and_not_to_who_comes(parts: Wiring) -> None:
    workshop = class_of(parts, 1)
    otter, heron = come(parts, workshop, "otter", "heron")
    states(parts, [otter, heron])
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).max_learners = 2
    (lynx,) = come(parts, workshop, "lynx")
    assert states(parts, [lynx]) == [("waiting", 2)]
    assert states(parts, [heron]) == [("ready", None)]
