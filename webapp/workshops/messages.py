"""What an instructor tells a class, or some of it, and what became of it. Kept as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.base import public_name
from webapp.models.events import events_of, record
from webapp.models.people import learners_of
from webapp.problems import Problem
from webapp.workshops.joining import what_shows

if TYPE_CHECKING:
    from collections.abc import Collection

    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.models.events import Event
    from webapp.models.workshops import Workshop
    from webapp.workshops.news import News

log = structlog.get_logger()

TEXT_MOST = 500
COMMAND_MOST = 300
KEPT_OPEN = 10
"""So many that a learner hasn't closed are shown to a page that begins."""


class Messages:
    """Tells, and hears what learners did with it.

    Args:
        database: where it is kept.
        news: hears `message` for each who is told, `heard` when they closed or ran it.
    """

    def __init__(self, database: Database, news: News) -> None:
        self._database = database
        self._news = news

    def tell(
        self, workshop: Workshop, to: Collection[str], raw_text: str, raw_command: str, by: str
    ) -> int:
        """Tells everyone of a workshop something, or some.

        Args:
            workshop: whose.
            to: public names of learners; empty for everyone.
            raw_text: as it was typed; cut after `TEXT_MOST` characters.
            raw_command: one line for their terminal, which each of them may run; may be empty.
            by: whose word it is.

        Returns:
            How many were told.

        Raises:
            Problem: `message-empty`.
        """
        text, command = what_shows(raw_text[:TEXT_MOST]), what_shows(raw_command[:COMMAND_MOST])
        if not text and not command:
            raise Problem("message-empty", "There is nothing to tell.", "Type a sentence.")
        name = public_name()
        with self._database.write() as session:
            learners = [
                each for each in learners_of(session, workshop.id) if not to or each.public_id in to
            ]
            words = {"message": name, "text": text, "command": command, "by": by}
            events = [record(session, each.id, "told", **words) for each in learners]
            session.flush()
        log.info("message.told", workshop=workshop.id, learners=len(events))
        for event in events:
            self._news.tell("message", event.learner_id, **_as_wire(event))
        return len(events)

    def close(self, learner_id: LearnerId, name: str) -> None:
        """The learner has read it."""
        self._keep(learner_id, "read", name)

    def ran(self, learner_id: LearnerId, name: str, code: int | None) -> None:
        """The learner ran its command, and it ended with this code; None where nobody knows."""
        self._keep(learner_id, "ran", name, code=code)

    def open_for(self, learner_id: LearnerId) -> list[dict[str, Any]]:
        """What they were told and haven't closed, oldest first."""
        with self._database.read() as session:
            events = events_of(session, learner_id)
        closed = {each.payload.get("message") for each in events if each.type == "read"}
        told = [each for each in events if each.type == "told"]
        still = [each for each in told if each.payload.get("message") not in closed]
        return [_as_wire(each) for each in still[-KEPT_OPEN:]]

    def _keep(self, learner_id: LearnerId, kind: str, name: str, **more: int | None) -> None:
        with self._database.write() as session:
            events = events_of(session, learner_id)
            told = {each.payload.get("message") for each in events if each.type == "told"}
            if name not in told:
                return  # it is somebody else's, or none at all
            record(session, learner_id, kind, step=None, message=name, **more)
        self._news.tell("heard", learner_id)


def _as_wire(event: Event) -> dict[str, Any]:
    return {**event.payload, "at": event.at.timestamp()}
