"""Raised hands, first come first. Kept as events, so a restart of the server lowers none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.models.events import record
from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.workshops.joining import what_shows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.workshops.news import News
    from webapp.workshops.standing import Classes, Standings

NOTE_MOST = 120


class Hands:
    """Raises and lowers.

    Args:
        database: where events are kept.
        classes: whose hands are up.
        news: each whose place changes hears.
    """

    def __init__(self, database: Database, classes: Classes, news: News) -> None:
        self._database = database
        self._classes = classes
        self._news = news

    def raise_one(self, learner_id: LearnerId, raw_note: str = "") -> int:
        """Raises a hand, or changes what stands with one that is up; gives the place in line.

        Args:
            learner_id: whose.
            raw_note: what it is about, as it was typed; cut after `NOTE_MOST` characters.
        """
        note = what_shows(raw_note[:NOTE_MOST])
        with self._database.write() as session:
            standing = self._class_of(session, learner_id).of[learner_id]
            if standing.hand is None or standing.note != note:
                record(session, learner_id, "raised", note=note)
        place = self.place_of(learner_id)
        self._news.tell("hand", learner_id, place=place)  # nobody else has another place now
        return place

    def lower(self, learner_id: LearnerId, by: str = "") -> None:
        """Lowers a hand; one that isn't up is fine.

        Args:
            learner_id: whose.
            by: the instructor who helped; empty when the learner lowers it.
        """
        with self._database.write() as session:
            line = self._class_of(session, learner_id).hands
            if learner_id not in line:
                return
            record(session, learner_id, "lowered", by=by)
        with self._database.read() as session:
            now = self._class_of(session, learner_id).hands
        for each in line[line.index(learner_id) :]:  # those before it are where they were
            self._news.tell("hand", each, place=now.index(each) + 1 if each in now else 0)

    def place_of(self, learner_id: LearnerId) -> int:
        """Which one they are in the line of raised hands, from 1; 0 while it isn't up."""
        with self._database.read() as session:
            line = self._class_of(session, learner_id).hands
        return line.index(learner_id) + 1 if learner_id in line else 0

    def _class_of(self, session: Session, learner_id: LearnerId) -> Standings:
        learner = session.get_one(Learner, learner_id)
        return self._classes.of(session, session.get_one(Workshop, learner.workshop_id))
