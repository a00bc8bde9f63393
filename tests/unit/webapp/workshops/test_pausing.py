"""A class that pauses: what stands still, what is refused, and that no time is charged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from webapp.models.base import now
from webapp.models.events import Event
from webapp.models.people import Learner
from webapp.models.workshops import PAUSE_MOST, Workshop
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

STEP = "00-your-terminal/01-a-prompt"
HOUR = timedelta(hours=1)


@pytest.fixture
def heron(parts: Wiring, workshop: Workshop) -> Learner:
    """One who has a lab."""
    learner, _ = join(parts.database, workshop.code, "heron", "a")
    parts.line.place_of(learner.id)
    with parts.database.read() as session:
        return session.get_one(Learner, learner.id)


def pass_by(parts: Wiring, workshop: Workshop, time: timedelta) -> None:
    """So long since it was opened, since it paused, and since all that happened in it."""
    with parts.database.write() as session:
        for event in session.scalars(select(Event)):
            event.at -= time
        kept = session.get_one(Workshop, workshop.id)
        kept.ends_at -= time
        kept.starts_at -= time
        kept.paused_at = kept.paused_at and kept.paused_at - time
    parts.classes.read_anew(workshop)


def kept(parts: Wiring, workshop: Workshop) -> Workshop:
    with parts.database.read() as session:
        return session.get_one(Workshop, workshop.id)


def lesson_of(app: Flask, parts: Wiring, browser: Browser) -> SocketIOTestClient:
    return parts.socketio.test_client(app, namespace="/lesson", flask_test_client=browser.client)


def test_a_pause_of_two_hours_costs_the_class_no_time(
    parts: Wiring, engine: MemoryEngine, ada: Browser, workshop: Workshop, heron: Learner
) -> None:
    page = f"/workshops/{workshop.public_id}"
    assert ada.post(f"{page}/pause", {"do": "pause"}).location == page
    assert engine.labs[heron.lab_key]["is_paused"] is True
    pass_by(parts, workshop, 2 * HOUR)
    parts.clock.tick()
    paused = kept(parts, workshop)
    assert paused.ended_at is None
    assert paused.is_open
    assert heron.has_time(paused)
    assert "Paused. Every container stands still" in ada.get(page).text
    before = now()
    ada.post(f"{page}/pause", {"do": "go-on"})
    went_on = kept(parts, workshop)
    left = went_on.ends_at - before
    assert abs(left - (workshop.ends_at - workshop.starts_at)) < timedelta(minutes=1)
    assert engine.labs[heron.lab_key]["is_paused"] is False
    assert engine.extended[heron.lab_key] == went_on.ends_at.timestamp()


def test_a_lab_that_is_paused_is_kept_though_its_end_is_near(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop, heron: Learner
) -> None:
    parts.pausing.pause(workshop.id, "ada")
    least = (now() + PAUSE_MOST).timestamp()
    assert engine.extended[heron.lab_key] > least
    pass_by(parts, workshop, PAUSE_MOST)
    parts.clock.tick()
    assert not kept(parts, workshop).is_paused


def test_every_page_says_who_paused_and_what_would_work_in_a_lab_is_refused(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, workshop: Workshop
) -> None:
    ben.join(workshop.code, "ben")
    socket = lesson_of(app, parts, ben)
    ada.post(f"/workshops/{workshop.public_id}/pause", {"do": "pause"})
    since = kept(parts, workshop).paused_at
    assert since
    told = [each["args"][0] for each in socket.get_received("/lesson") if each["name"] == "clock"]
    until = round(workshop.ends_at.timestamp())
    assert told == [{"until": until, "paused": round(since.timestamp()), "by": "ada"}]

    def say(name: str) -> dict[str, Any]:
        return dict(socket.emit(name, {"step": STEP}, namespace="/lesson", callback=True) or {})

    for name in ("check", "reset"):
        problem = say(name)["problem"]
        assert (problem["code"], problem["sentence"]) == ("workshop-paused", "Paused by ada.")
    assert say("open")["paused"] == round(since.timestamp())


def test_who_comes_while_it_is_paused_waits_for_their_lab(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop, heron: Learner
) -> None:
    parts.pausing.pause(workshop.id, "ada")
    late, _ = join(parts.database, workshop.code, "otter", "b")
    place = parts.line.place_of(late.id)
    assert (place.state, place.sentence.partition(" Nothing")[0]) == ("waiting", "Paused by ada.")
    parts.pausing.go_on(workshop.id)
    assert parts.line.place_of(late.id).state == "ready"
    assert set(engine.labs) == {heron.lab_key, late.lab_key}


def test_what_was_away_while_it_paused_or_went_on_follows(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop, heron: Learner
) -> None:
    lab = engine.labs[heron.lab_key]
    engine.is_away = True
    parts.pausing.pause(workshop.id, "ada")
    assert not lab.get("is_paused")
    engine.is_away = False
    parts.clock.found()
    assert lab["is_paused"] is True
    lab["is_paused"] = False
    parts.pausing.go_on(workshop.id)
    lab["is_paused"] = True
    parts.clock.found()
    assert lab["is_paused"] is False


def test_a_pause_is_charged_to_no_step_and_makes_nobody_stuck(
    app: Flask, parts: Wiring, ben: Browser, workshop: Workshop
) -> None:
    ben.join(workshop.code, "ben")
    socket = lesson_of(app, parts, ben)
    socket.emit("open", {"step": STEP}, namespace="/lesson", callback=True)
    parts.pausing.pause(workshop.id, "ada")
    pass_by(parts, workshop, HOUR)
    with parts.database.read() as session:
        seen = parts.roster.row(session, next(iter(parts.classes.of(session, workshop).of)))
    assert seen
    assert seen[1]["state"] in {"working", "waiting"}
    parts.pausing.go_on(workshop.id)
    with parts.database.read() as session:
        (standing,) = parts.classes.of(session, workshop).of.values()
    opened_at = standing.steps[STEP].opened_at
    assert standing.since
    assert opened_at
    assert now() - HOUR / 2 < standing.since <= now()
    assert now() - HOUR / 2 < opened_at <= now()


def test_a_step_that_is_opened_within_a_pause_begins_at_its_end(
    app: Flask, parts: Wiring, ben: Browser, workshop: Workshop
) -> None:
    ben.join(workshop.code, "ben")
    socket = lesson_of(app, parts, ben)
    parts.pausing.pause(workshop.id, "ada")
    pass_by(parts, workshop, HOUR)
    socket.emit("open", {"step": STEP}, namespace="/lesson", callback=True)
    parts.pausing.go_on(workshop.id)
    with parts.database.read() as session:
        (standing,) = parts.classes.of(session, workshop).of.values()
    opened_at = standing.steps[STEP].opened_at
    assert standing.since
    assert opened_at
    assert standing.since <= now()
    assert opened_at <= now()


def test_a_pause_that_is_pressed_twice_is_one(
    parts: Wiring, ada: Browser, workshop: Workshop, heron: Learner
) -> None:
    heard: list[Item] = []
    parts.news.listen(heard.append)
    for _ in range(2):
        ada.post(f"/workshops/{workshop.public_id}/pause", {"do": "pause"})
    assert [item.learner_id for item in heard if item.kind == "clock"] == [heron.id]
    for _ in range(2):
        ada.post(f"/workshops/{workshop.public_id}/pause", {"do": "go-on"})
    assert sum(item.kind == "clock" for item in heard) == 2
    bad = ada.post(f"/workshops/{workshop.public_id}/pause", {"do": "rest"})
    assert bad.status_code == 404
