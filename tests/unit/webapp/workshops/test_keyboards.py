"""An instructor types in a learner's terminal only while the learner lets them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from webapp.models.events import events_of
from webapp.models.people import Person, remember_browser, sign_ins_of
from webapp.problems import Problem
from webapp.sockets.rights import Rights
from webapp.workshops import keyboards as rules
from webapp.workshops.joining import join
from webapp.workshops.teaching import end_sign_ins, person_called

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

HOUR = 3600.0


class Room:
    """Otter has a lab and the page open; ada watches one terminal of it, heron's friend nothing."""

    def __init__(self, parts: Wiring, workshop: Workshop, patch: pytest.MonkeyPatch) -> None:
        self.parts = parts
        self.otter, _ = join(parts.database, workshop.code, "otter", "a")
        with parts.database.read() as session:
            found = person_called(session, "ada")
            assert found
            (self.sign_in,) = sign_ins_of(session, found.id)
        self.ada = found
        place = parts.line.place_of(self.otter.id)
        assert place.lab
        lab = place.lab["lab"]
        grant = {"viewer": "v", "terminal": f"{lab}.1", "may": "watch", "until": time.time() + HOUR}
        self.grants: list[dict[str, Any]] = [{**grant, "person": found.watch_id(self.sign_in.id)}]
        patch.setattr(parts.pumps, "grants", lambda: self.grants)
        patch.setattr(parts.pumps, "renew", self.renew)
        parts.presence.arrive(self.otter.id)
        parts.watching.look()
        self.heard: list[Item] = []
        parts.news.listen(self.heard.append)

    def renew(self, *, viewer: str, until: float, may: str | None = None) -> None:
        for grant in self.grants:
            if grant["viewer"] == viewer:
                grant.update(until=until, may=may or grant["may"])

    def withdraw(self, *, viewer: str) -> None:
        self.grants = [grant for grant in self.grants if grant["viewer"] != viewer]

    @property
    def may(self) -> str:
        return str(self.grants[0]["may"])

    @property
    def state(self) -> str:
        return str(self.parts.keyboards.of(self.otter.id)["state"])


@pytest.fixture
def room(parts: Wiring, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(parts, workshop, monkeypatch)


def test_a_keyboard_is_lent_by_a_yes_and_taken_back_at_once(room: Room) -> None:
    room.parts.keyboards.ask(room.otter, room.ada)
    assert (room.state, room.may) == ("asked", "watch")
    room.parts.keyboards.answer(room.otter.id, is_yes=True)
    assert (room.state, room.may) == ("lent", "help")
    room.parts.keyboards.end(room.otter.id)
    assert (room.state, room.may) == ("free", "watch")
    told = [each.facts["state"] for each in room.heard if each.kind == "keyboard"]
    assert told == ["asked", "lent", "free"]
    with room.parts.database.read() as session:
        kept = [(each.type, each.payload) for each in events_of(session, room.otter.id)]
    assert kept[-2:] == [("lent", {"by": "ada"}), ("returned", {"by": "ada"})]


def test_a_no_and_no_answer_in_a_minute_lend_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.parts.keyboards.ask(room.otter, room.ada)
    room.parts.keyboards.answer(room.otter.id, is_yes=False)
    assert (room.state, room.may) == ("free", "watch")
    room.parts.keyboards.answer(room.otter.id, is_yes=True)  # nobody asks any more
    assert (room.state, room.may) == ("free", "watch")
    room.parts.keyboards.ask(room.otter, room.ada)
    monkeypatch.setattr(rules, "ASK_S", -1.0)
    room.parts.keyboards.answer(room.otter.id, is_yes=True)
    assert (room.state, room.may) == ("free", "watch")
    room.parts.keyboards.ask(room.otter, room.ada)
    room.parts.watching.look()
    assert room.state == "free"


def test_who_closes_the_page_gives_the_keyboard_back(room: Room) -> None:
    room.parts.keyboards.ask(room.otter, room.ada)
    room.parts.keyboards.answer(room.otter.id, is_yes=True)
    room.grants.clear()
    room.parts.watching.look()
    assert room.state == "free"
    assert [each.facts for each in room.heard if each.kind == "watch"] == [{"names": []}]


def test_a_web_that_begins_anew_has_lent_no_keyboard(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.parts.pumps, "of", lambda _terminal: room)
    rights = Rights(room.parts)
    room.parts.keyboards.ask(room.otter, room.ada)
    room.parts.keyboards.answer(room.otter.id, is_yes=True)
    rights.compare()
    assert room.may == "help"
    room.parts.keyboards._keyboards.clear()  # as after a start
    rights.compare()
    assert room.may == "watch"


def test_a_sign_in_that_was_ended_watches_no_more_though_another_is_good(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.parts.pumps, "of", lambda _terminal: room)
    with room.parts.database.write() as session:
        remember_browser(session, person_id=room.ada.id)
    rights = Rights(room.parts)
    rights.compare()
    assert room.may == "watch"
    end_sign_ins(room.parts.database, room.ada.id, only=room.sign_in.id)
    rights.compare()
    assert room.grants == []


def test_nobody_is_asked_who_is_not_there_and_one_at_a_time(room: Room) -> None:
    room.parts.keyboards.ask(room.otter, room.ada)
    grace = Person(id=room.ada.id + 1, name="grace", name_key="grace")
    with pytest.raises(Problem, match="before you"):
        room.parts.keyboards.ask(room.otter, grace)
    room.parts.keyboards.end(room.otter.id, grace.id)  # which isn't hers
    assert room.state == "asked"
    room.parts.keyboards.end(room.otter.id)
    room.parts.presence.leave(room.otter.id)
    with pytest.raises(Problem, match="isn't at the page"):
        room.parts.keyboards.ask(room.otter, room.ada)


def test_who_is_about_to_watch_is_told_before_they_see_anything(room: Room) -> None:
    room.grants.clear()
    room.parts.watching.look()
    room.heard.clear()
    room.parts.watching.expect(room.otter.id, room.ada)
    room.parts.watching.look()  # the pump has not heard of it yet
    assert [each.facts for each in room.heard] == [{"names": ["ada"]}]


def desk(app: Flask, parts: Wiring, browser: Browser) -> SocketIOTestClient:
    return parts.socketio.test_client(app, namespace="/wall", flask_test_client=browser.client)


def test_only_instructors_of_the_workshop_ask_and_the_page_hears_the_answer(
    app: Flask, parts: Wiring, room: Room, ada: Browser, mallory: Browser
) -> None:
    who = {"learner": room.otter.public_id}
    other = desk(app, parts, mallory)
    for name in ("follow", "ask", "leave"):
        answer = other.emit(name, who, namespace="/wall", callback=True) or {}
        assert answer["problem"]["code"] == "not-yours"
    ours = desk(app, parts, ada)
    assert ours.emit("follow", who, namespace="/wall", callback=True) == {
        "keyboard": {"state": "free", "by": "", "at": 0.0}
    }
    ours.emit("ask", who, namespace="/wall", callback=True)
    parts.keyboards.answer(room.otter.id, is_yes=True)
    facts = [each["args"][0] for each in ours.get_received("/wall") if each["name"] == "keyboard"]
    assert [each["state"] for each in facts] == ["asked", "lent"]
    assert other.get_received("/wall") == []
    ours.emit("leave", who, namespace="/wall", callback=True)
    assert room.state == "free"


def test_no_other_learner_answers(
    app: Flask, parts: Wiring, room: Room, chi: Browser, workshop: Workshop
) -> None:
    chi.join(workshop.code, "chi")
    socket = parts.socketio.test_client(app, namespace="/lesson", flask_test_client=chi.client)
    parts.keyboards.ask(room.otter, room.ada)
    socket.emit("lend", {"yes": True}, namespace="/lesson", callback=True)
    assert (room.state, room.may) == ("asked", "watch")
