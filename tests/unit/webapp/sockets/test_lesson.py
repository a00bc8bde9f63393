"""The learner's page, told how they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.waiting import wait_for
from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.sockets import lesson
from webapp.workshops import labs
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.queue import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask_socketio.test_client import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring
    from webapp.workshops.queue import Place


class Waiting:
    """Ben's page, whose workshop is full."""

    def __init__(self, app: Flask, parts: Wiring, ben: Browser) -> None:
        self._app, self._parts, self._ben = app, parts, ben
        plan = Plan(("00-your-terminal",), max_learners=1)
        self.workshop = open_workshop(parts.database, parts.library, plan)
        otter, _ = join(parts.database, self.workshop.code, "otter", "a")
        assert parts.line.place_of(otter.id).state == "ready"
        learner, token = join(parts.database, self.workshop.code, "ben", "b")
        self.learner_id = learner.id
        ben.client.set_cookie("slipway_learner", token)
        self.pages: list[SocketIOTestClient] = []

    def open(self) -> SocketIOTestClient:
        client = self._ben.client
        page = self._parts.socketio.test_client(
            self._app, namespace="/lesson", flask_test_client=client
        )
        self.pages.append(page)
        return page

    def move(self, places: int) -> None:
        """As the clock does, after the instructor gave the workshop so many places."""
        with self._parts.database.write() as session:
            session.get_one(Workshop, self.workshop.id).max_learners = places
        self._parts.line._let_in()

    def close(self) -> None:
        for page in self.pages:
            page.disconnect("/lesson")


@pytest.fixture
def waiting(app: Flask, parts: Wiring, ben: Browser) -> Iterator[Waiting]:
    made = Waiting(app, parts, ben)
    yield made
    made.close()


def heard(page: SocketIOTestClient, is_there: str) -> list[dict[str, Any]]:
    """What a page is told of the learner's lab, up to something."""
    told: list[dict[str, Any]] = []

    def is_told() -> bool:
        received = page.get_received("/lesson")
        told.extend(each["args"][0] for each in received if each["name"] == "lab")
        return any(is_there in f"{each['state']} {each['sentence']}" for each in told)

    wait_for(is_told, is_there)
    return told


def spy(monkeypatch: pytest.MonkeyPatch) -> list[LearnerId]:
    """Whose place is looked up from now on."""
    looked: list[LearnerId] = []
    place_of = Line.place_of

    def look(self: Line, learner_id: LearnerId) -> Place:
        looked.append(learner_id)
        return place_of(self, learner_id)

    monkeypatch.setattr(Line, "place_of", look)
    return looked


def test_who_waits_in_line_is_looked_up_when_the_line_is_another_and_not_before(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson, "ASK_AGAIN_S", 0.01)
    waiting.move(1)
    page = waiting.open()
    assert heard(page, "You are 1st in line.")[0]["place"] == 1
    looked = spy(monkeypatch)
    for _ in range(10):
        waiting.move(1)
    assert len(looked) == 10  # by who moves the line, and nobody else
    waiting.move(0)
    heard(page, "This workshop is full: 1 of 0.")
    waiting.move(2)
    assert heard(page, "ready")[-1]["lab"]


def test_a_page_more_hears_how_they_stand(waiting: Waiting) -> None:
    heard(waiting.open(), "waiting")
    assert heard(waiting.open(), "waiting")


def test_who_waits_hears_that_the_class_pauses_and_goes_on(waiting: Waiting, parts: Wiring) -> None:
    parts.pausing.pause(waiting.workshop.id, "ada")
    page = waiting.open()
    heard(page, "1st in line")
    waiting.move(2)
    heard(page, "Paused by ada.")
    parts.pausing.go_on(waiting.workshop.id)
    heard(page, "ready")


@pytest.mark.parametrize("start_s", [3600.0, 0.0])
def test_a_runtime_that_is_only_starting_is_not_called_away(
    waiting: Waiting,
    parts: Wiring,
    engine: MemoryEngine,
    monkeypatch: pytest.MonkeyPatch,
    start_s: float,
) -> None:
    monkeypatch.setattr(labs, "START_S", start_s)
    monkeypatch.setattr(lesson, "ASK_AGAIN_S", 0.01)
    asked = spy(monkeypatch)
    waiting.move(2)
    parts.labs.remove(waiting.learner_id)
    engine.is_away = True
    with capture_logs() as said:
        page = waiting.open()
        wait_for(lambda: len(asked) > 3, "some tries")
    assert {each["event"] for each in said} == ({"lab.refused"} if start_s == 0 else set())
    engine.is_away = False
    assert heard(page, "ready")[0]["state"] == ("away" if start_s == 0 else "ready")


def test_a_late_comer_whose_lab_can_not_be_had_is_not_tried_again_at_once(
    waiting: Waiting, parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parts.database.write() as session:
        session.get_one(Workshop, waiting.workshop.id).max_learners = 2
        learner = session.get_one(Learner, waiting.learner_id)
        learner.begins_with = "00-your-terminal/02-stop-and-get-out"
    parts.labs.refresh()

    def refuse(**_: object) -> dict[str, Any]:
        raise Problem("image-unknown", "There is no such image.")

    monkeypatch.setattr(engine, "lab_create", refuse)
    looked = spy(monkeypatch)
    heard(waiting.open(), "no such image")
    with pytest.raises(AssertionError):
        wait_for(lambda: len(looked) > 5, "one try after another", 0.5)
