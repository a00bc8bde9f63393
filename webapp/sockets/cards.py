"""Open cards of learners' pages stay true: one look for all of them, told where it is news."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from webapp import background
from webapp.problems import Problem
from webapp.sockets import wire
from webapp.workshops.server_view import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_socketio import SocketIO

    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring

log = structlog.get_logger()

LOOK_S = 2.0


class Cards:
    """Who has which card open.

    A page looks once by itself, by the message of the same name, and then follows. What is told of
    a lab that can't be looked at is null: then the page asks, and reads why.

    Args:
        socketio: for its tasks and its sleep.
        parts: the application's.
        pages: whose each connection is; who has left isn't among them any more.
        lab_of: the lab of whoever sends the present message; raises Problem without one.
        tell: sends a fact to all pages of a learner.
    """

    def __init__(
        self,
        socketio: SocketIO,
        parts: Wiring,
        pages: Mapping[str, LearnerId],
        lab_of: Callable[[], tuple[LearnerId, str]],
        tell: Callable[..., None],
    ) -> None:
        self._socketio = socketio
        self._parts = parts
        self._pages = pages
        self._lab_of = lab_of
        self._tell = tell
        self._open: dict[str, set[str]] = {card: set() for card in wire.CARDS}
        self._told: dict[tuple[str, LearnerId], object] = {}
        self._looks = False

    def follow(self, card: str, *, on: bool) -> None:
        """A card is open on this page, or no longer."""
        self._open[card].discard(wire.sid())
        self._lab_of()  # asked by all that is said, so that nobody without a right is told yes
        if not on:
            return
        self._open[card].add(wire.sid())
        if not self._looks:
            self._looks = True
            self._socketio.start_background_task(self._look_for_ever)

    def look(self) -> None:
        """One turn: tells each learner what is new since the last."""
        for open_on in self._open.values():
            open_on.intersection_update(self._pages)  # who left, even in the midst of asking
        who = {card: {self._pages[sid] for sid in sids} for card, sids in self._open.items()}
        self._told = {of: told for of, told in self._told.items() if of[1] in who[of[0]]}
        found = self._look_at(who)
        for card, learners in who.items():
            for learner_id in learners:
                self._tell_new(card, learner_id, found[card].get(learner_id))

    def _look_at(self, who: dict[str, set[LearnerId]]) -> dict[str, dict[LearnerId, object]]:
        labs = {
            card: {lab["lab"]: each for each in learners if (lab := self._parts.labs.of(each))}
            for card, learners in who.items()
        }
        try:
            views = self._parts.engine.lab_views(
                processes=list(labs["processes"]), plan=list(labs["plan"])
            )
        except Problem as problem:
            log.info("lesson.cards_unknown", code=problem.code)
            return {card: {} for card in who}
        return {
            card: {of[lab]: found for lab, found in views[card].items()}
            for card, of in labs.items()
        }

    def _tell_new(self, card: str, learner_id: LearnerId, found: object) -> None:
        seen = {**found, "at": None} if isinstance(found, dict) else found  # each look has its time
        if (card, learner_id) not in self._told or self._told[card, learner_id] != seen:
            self._told[card, learner_id] = seen
            more = {"kernel": kernel()} if card == "processes" else {}
            self._tell(learner_id, card, **{card: found}, **more)

    def _look_for_ever(self) -> None:
        try:
            while any(self._open.values()):
                began = time.monotonic()
                background.turn("cards", self.look)
                took = time.monotonic() - began
                self._socketio.sleep(max(0.05, LOOK_S - took))  # type: ignore[arg-type]  # it sleeps parts of seconds, too
        finally:
            self._looks = False
