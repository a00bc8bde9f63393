"""Open cards of learners' pages: one look for all of them, and what is new to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from webapp.problems import Problem
from webapp.sockets import wire
from webapp.sockets.cards import Cards
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

SLEEP = {"pid": 7, "inner_pid": 2, "comm": "sleep"}


class Pages:
    """Learners' pages with cards: each is one connection, by its learner's name."""

    def __init__(self, parts: Wiring, workshop: Workshop, patch: pytest.MonkeyPatch) -> None:
        self._parts, self._workshop = parts, workshop
        self._learners: dict[str, LearnerId] = {}
        self._sends = ""
        self.told: list[tuple[str, str, Any]] = []
        patch.setattr(wire, "sid", lambda: self._sends)
        patch.setattr(parts.socketio, "start_background_task", lambda *_: None)
        self.cards = Cards(parts.socketio, parts, self._learners, self._own_lab, self._tell)

    def join(self, name: str) -> str:
        learner, _ = join(self._parts.database, self._workshop.code, name, name)
        place = self._parts.line.place_of(learner.id)
        assert place.lab
        self._learners[name] = learner.id
        return str(place.lab["lab"])

    def send(self, name: str, card: str, *, on: bool = True) -> None:
        self._sends = name
        self.cards.follow(card, on=on)

    def leave(self, name: str) -> None:
        self._learners.pop(name, None)

    def look(self) -> list[tuple[str, str, Any]]:
        self.told = []
        self.cards.look()
        return sorted(self.told, key=lambda each: each[:2])

    def _own_lab(self) -> tuple[LearnerId, str]:
        return self._learners[self._sends], ""

    def _tell(self, learner_id: LearnerId, card: str, /, **fields: object) -> None:
        name = next(each for each, who in self._learners.items() if who == learner_id)
        self.told.append((name, card, wire.fact("/lesson", card, **fields)[card]))


@pytest.fixture
def pages(parts: Wiring, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Pages:
    return Pages(parts, workshop, monkeypatch)


def test_all_open_cards_are_looked_at_in_one_call_and_told_where_there_is_news(
    pages: Pages, engine: MemoryEngine
) -> None:
    ben, chi = pages.join("ben"), pages.join("chi")
    for name, card in (("ben", "processes"), ("chi", "processes"), ("chi", "plan")):
        pages.send(name, card)
    told = pages.look()
    assert engine.viewed == [{"processes": [ben, chi], "plan": [chi]}]
    assert [each[:2] for each in told] == [
        ("ben", "processes"),
        ("chi", "plan"),
        ("chi", "processes"),
    ]
    assert pages.look() == []
    engine.running[ben] = [SLEEP]
    assert pages.look() == [("ben", "processes", [SLEEP])]
    pages.send("chi", "plan", on=False)
    pages.leave("ben")
    pages.look()
    assert engine.viewed[-1] == {"processes": [chi], "plan": []}


def test_a_card_whose_lab_can_t_be_looked_at_is_told_so_once_and_again_when_it_can(
    pages: Pages, engine: MemoryEngine
) -> None:
    lab = pages.join("ben")
    engine.running[lab] = [SLEEP]
    pages.send("ben", "processes")
    pages.look()
    engine.is_away = True
    assert [pages.look(), pages.look()] == [[("ben", "processes", None)], []]
    engine.is_away = False
    assert pages.look() == [("ben", "processes", [SLEEP])]


def test_a_page_that_leaves_as_it_asks_is_not_looked_at(
    pages: Pages, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.join("ben")

    def leave_meanwhile() -> tuple[LearnerId, str]:
        found = pages._own_lab()
        pages.leave("ben")
        return found

    monkeypatch.setattr(pages.cards, "_lab_of", leave_meanwhile)
    pages.send("ben", "processes")
    assert pages.look() == []
    assert engine.viewed == [{"processes": [], "plan": []}]


def test_a_turn_that_breaks_is_not_the_last(
    pages: Pages, parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.join("ben")
    pages.send("ben", "processes")
    views = engine.lab_views

    def break_once(**_: object) -> None:
        monkeypatch.setattr(engine, "lab_views", views)
        raise ValueError

    def leave_once_told(_s: float) -> None:
        if pages.told:
            pages.leave("ben")

    monkeypatch.setattr(engine, "lab_views", break_once)
    monkeypatch.setattr(parts.socketio, "sleep", leave_once_told)
    pages.cards._look_for_ever()
    assert pages.told == [("ben", "processes", [])]


def test_who_has_no_lab_follows_nothing(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> tuple[LearnerId, str]:
        raise Problem("lab-none", "There is no container.")

    monkeypatch.setattr(pages.cards, "_lab_of", none)
    with pytest.raises(Problem):
        pages.send("ben", "processes")
    assert pages.look() == []
