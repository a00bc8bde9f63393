"""One learner's own pace: more time than the class, and a way back in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.waiting import wait_for
from webapp.access import Visitor, may_learn
from webapp.models.base import now
from webapp.models.people import Learner, WayBack, learners_called
from webapp.models.workshops import Workshop
from webapp.workshops.joining import join
from webapp.workshops.returning import LIFE_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

FIRST_STEP = "00-your-terminal/01-a-prompt"


@pytest.fixture
def two(parts: Wiring, workshop: Workshop) -> tuple[Learner, Learner]:
    """Heron and otter, each with a lab, as their server knows."""
    parts.labs.refresh()
    found = [join(parts.database, workshop.code, name, name)[0] for name in ("heron", "otter")]
    for each in found:
        parts.line.place_of(each.id)
    return found[0], found[1]


def page_of(workshop: Workshop, learner: Learner) -> str:
    return f"/workshops/{workshop.public_id}/learners/{learner.public_id}"


def know(parts: Wiring, learner: Learner) -> tuple[Learner, Workshop]:
    with parts.database.read() as session:
        kept = session.get_one(Learner, learner.id)
        return kept, session.get_one(Workshop, kept.workshop_id)


def pass_by(parts: Wiring, workshop: Workshop, minutes: int) -> None:
    """So many minutes after the end that the class has, and is to have."""
    with parts.database.write() as session:
        kept = session.get_one(Workshop, workshop.id)
        kept.ends_at, kept.is_end_final = now() - timedelta(minutes=minutes), True


def test_more_time_for_one_reaches_their_lab_and_countdown_and_nobody_else(
    parts: Wiring,
    engine: MemoryEngine,
    ada: Browser,
    workshop: Workshop,
    two: tuple[Learner, Learner],
) -> None:
    heron, _ = two
    heard: list[Item] = []
    parts.news.listen(heard.append)
    page = page_of(workshop, heron)
    for _ in range(2):
        assert ada.post(f"{page}/minutes", {"minutes": "15"}).location == page
    until = (workshop.ends_at + timedelta(minutes=30)).timestamp()
    assert engine.extended == {heron.lab_key: until}
    told = [(item.kind, item.learner_id, item.facts) for item in heard]
    assert told[-1] == ("clock", heron.id, {"until": round(until), "paused": None, "by": ""})
    assert {who for _, who, _ in told} == {heron.id}
    assert "30 min after the class" in ada.get(page).text


@pytest.mark.parametrize("minutes", ["0", "-15", "soon", "99999"])
def test_a_number_that_is_no_more_time_is_refused(
    ada: Browser, workshop: Workshop, two: tuple[Learner, Learner], minutes: str
) -> None:
    page = page_of(workshop, two[0])
    assert ada.post(f"{page}/minutes", {"minutes": minutes}).status_code == 422


def test_a_page_that_is_open_shows_more_time_at_once(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, workshop: Workshop
) -> None:
    ben.join(workshop.code, "ben")
    socket = parts.socketio.test_client(app, namespace="/lesson", flask_test_client=ben.client)
    ada.post(f"/workshops/{workshop.public_id}/minutes", {"minutes": "15"})
    until = round((workshop.ends_at + timedelta(minutes=15)).timestamp())
    told = [each["args"] for each in socket.get_received("/lesson") if each["name"] == "clock"]
    assert told == [[{"until": until, "paused": None, "by": ""}]]


def test_the_class_ends_while_whoever_has_more_time_goes_on(
    parts: Wiring,
    engine: MemoryEngine,
    ada: Browser,
    workshop: Workshop,
    two: tuple[Learner, Learner],
) -> None:
    heron, otter = two
    ada.post(f"{page_of(workshop, heron)}/minutes", {"minutes": "15"})
    heard: list[Item] = []
    pass_by(parts, workshop, minutes=1)
    parts.news.listen(heard.append)
    parts.clock.tick()
    assert set(engine.labs) == {heron.lab_key}
    assert [item.learner_id for item in heard if item.kind == "ended"] == [otter.id]
    assert parts.line.place_of(heron.id).state == "ready"
    assert parts.line.place_of(otter.id).state == "ended"
    seats = [know(parts, each) for each in two]
    assert [may_learn(Visitor(None, *seat)) for seat in seats] == [True, False]
    assert ada.get(f"/workshops/{workshop.public_id}/end").status_code == 200
    pass_by(parts, workshop, minutes=16)
    parts.clock.tick()
    assert engine.labs == {}
    assert know(parts, heron)[1].ended_at is not None


def test_a_one_time_link_brings_a_learner_back_once(
    parts: Wiring, ada: Browser, workshop: Workshop, open_browser: Callable[[], Browser]
) -> None:
    heron, _ = join(parts.database, workshop.code, "heron", "a")
    shown = ada.post(f"{page_of(workshop, heron)}/link").text
    found = re.search(r"http://localhost(/back/[\w-]+)", shown)
    assert found
    lost = open_browser()
    assert "Welcome back" in lost.get(found[1]).text
    answer = lost.post(found[1])
    assert answer.location == "/lab"
    assert lost.get("/lab").location == "/lab/00-your-terminal/01-a-prompt"
    with parts.database.read() as session:
        assert len(learners_called(session, workshop.id, "heron")) == 1
    late = open_browser()
    assert [late.get(found[1]).status_code, late.post(found[1]).status_code] == [410, 410]
    assert "Ask your instructor for another one" in late.get(found[1]).text


def test_a_link_that_is_old_or_of_a_workshop_that_is_over_leads_nowhere(
    parts: Wiring, ada: Browser, workshop: Workshop, open_browser: Callable[[], Browser]
) -> None:
    heron, _ = join(parts.database, workshop.code, "heron", "a")
    paths = []
    for _ in range(2):
        found = re.search(r"/back/[\w-]+", ada.post(f"{page_of(workshop, heron)}/link").text)
        assert found
        paths.append(found[0])
    with parts.database.write() as session:
        first = session.scalars(select(WayBack).order_by(WayBack.id)).first()
        assert first
        first.expires_at -= timedelta(minutes=LIFE_MINUTES)
    assert open_browser().get(paths[0]).status_code == 410
    assert open_browser().get(paths[1]).status_code == 200
    pass_by(parts, workshop, minutes=1)
    assert "is over" in open_browser().get(paths[1]).text
    assert ada.post(f"{page_of(workshop, heron)}/link").status_code == 410


def test_one_who_came_late_is_brought_to_a_step_in_a_fresh_lab(
    parts: Wiring,
    engine: MemoryEngine,
    ada: Browser,
    workshop: Workshop,
    two: tuple[Learner, Learner],
) -> None:
    heron, _ = two
    page = page_of(workshop, heron)
    before = parts.labs.of(heron.id)
    heard: list[Item] = []
    parts.news.listen(heard.append)
    step = "00-your-terminal/04-yours-only"
    assert ada.post(f"{page}/bring", {"step": step}).location == page
    wait_for(lambda: [item for item in heard if item.kind == "brought"], "heron at the step")
    assert heard[-1].facts == {"step": step, "by": "ada"}
    assert parts.labs.of(heron.id) != before
    assert "whoami" in engine.prepared[-1][1]


def test_one_without_a_lab_gets_one_at_the_step_where_they_are_brought_or_waits_for_it(
    parts: Wiring, engine: MemoryEngine, ada: Browser, workshop: Workshop
) -> None:
    step = "00-your-terminal/04-yours-only"
    heron, _ = join(parts.database, workshop.code, "heron", "h")
    page, engine.room = page_of(workshop, heron), 0
    early = ada.post(f"{page}/bring", {"step": step})  # they may have one
    assert early.status_code == 503
    assert "Who has a container isn&#39;t known yet." in early.text
    parts.labs.refresh()
    assert "Brought to" not in ada.get(page).text
    assert ada.post(f"{page}/bring", {"step": step}).location == page
    wait_for(lambda: engine.asked, "that a lab was wanted")
    wait_for(lambda: "Brought to “Yours only”" in ada.get(page).text, "that there is no place")
    engine.room = 1
    parts.line.move()
    wait_for(lambda: parts.line.place_of(heron.id).state == "ready", "a lab at that step")
    lab = parts.labs.of(heron.id)
    assert lab
    assert [(name, "whoami" in script) for name, script, _ in engine.prepared] == [
        (lab["lab"], True)
    ]
    assert "Brought to" not in ada.get(page).text


def test_nobody_is_brought_to_a_step_that_is_locked_or_while_a_lab_is_set_up_for_them(
    parts: Wiring, ada: Browser, workshop: Workshop, two: tuple[Learner, Learner]
) -> None:
    page, step = page_of(workshop, two[0]), "00-your-terminal/04-yours-only"
    parts.labs.shut(two[0].id)
    refused = ada.post(f"{page}/bring", {"step": step})
    assert refused.status_code == 409
    assert "A container is being set up for heron just now." in refused.text
    parts.labs.let_in(two[0].id)
    assert ada.post(f"{page}/bring", {"step": "nowhere/at-all"}).status_code == 422
    ada.post(f"/workshops/{workshop.public_id}/steps", {"do": "lock", "step": FIRST_STEP})
    assert ada.post(f"{page}/bring", {"step": step}).status_code == 409
