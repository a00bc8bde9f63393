"""What an instructor tells a class, or some of it, and what became of it. Kept as events."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.base import public_name
from webapp.models.events import events_of, record
from webapp.models.people import learners_of
from webapp.problems import Problem
from webapp.workshops.joining import only_seen, what_shows

if TYPE_CHECKING:
    from collections.abc import Collection

    from webapp.engines.seam import Engine
    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.models.events import Event
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()

FILE_NAME_MOST = 100  # characters
FILE_BYTES_MOST = 384 * 1024  # larger ones have an address
COUNTDOWN_MOST = 180  # minutes
TEXT_MOST = 500
COMMAND_MOST = 300
NOT_GIVEN = 255
"""The code of a file whose lab couldn't be asked."""
KEPT_OPEN = 10
"""So many that a learner hasn't closed are shown to a page that begins."""


@dataclass(frozen=True, slots=True)
class Word:
    """What is told, as it was typed; one of these at least.

    Attributes:
        text: cut after `TEXT_MOST` characters.
        command: one line for a terminal, which each of them may run.
        minutes: a countdown over so many; 0 is none.
        file_name: what a file is called that each of them gets; empty where there is none.
        file: what it holds.
    """

    text: str = ""
    command: str = ""
    minutes: int = 0
    file_name: str = ""
    file: bytes = b""

    def payload(self) -> dict[str, Any]:
        """What is kept of it; the file itself only the labs get.

        Raises:
            Problem: `message-empty`.
        """
        text, command = what_shows(self.text[:TEXT_MOST]), only_seen(self.command[:COMMAND_MOST])
        file = what_shows(self.file_name.replace("/", " ")).lstrip(". ")[:FILE_NAME_MOST]
        if not (text or command or self.minutes or file):
            raise Problem("message-empty", "There is nothing to tell.", "Type a sentence.")
        until = round(time.time()) + 60 * self.minutes if self.minutes else None
        return {"text": text, "command": command, "until": until, "file": file}


class Messages:
    """Tells, and hears what learners did with it.

    Args:
        database: where it is kept.
        engine: puts files into labs.
        labs: who has which.
        news: hears `message` for each who is told, `heard` when they closed or ran it.
    """

    def __init__(self, database: Database, engine: Engine, labs: Labs, news: News) -> None:
        self._database = database
        self._engine = engine
        self._labs = labs
        self._news = news

    def tell(self, workshop: Workshop, to: Collection[str], word: Word, by: str) -> int:
        """Tells everyone of a workshop something, or some.

        A file is on its way to their labs when this returns; how each got on is kept as if they
        had run a command.

        Args:
            workshop: whose.
            to: public names of learners; empty for everyone.
            word: what.
            by: whose word it is.

        Returns:
            How many were told.

        Raises:
            Problem: `message-empty`.
        """
        payload = {"message": public_name(), "by": by, **word.payload()}
        with self._database.write() as session:
            learners = [
                each for each in learners_of(session, workshop.id) if not to or each.public_id in to
            ]
            events = [record(session, each.id, "told", **payload) for each in learners]
            session.flush()
        log.info("message.told", workshop=workshop.id, learners=len(events))
        for event in events:
            self._news.tell("message", event.learner_id, **_as_wire(event))
        if payload["file"]:
            give = (payload["message"], payload["file"], word.file, [each.id for each in learners])
            threading.Thread(target=self._give, args=give, name="handout", daemon=True).start()
        return len(events)

    def _give(self, message: str, name: str, file: bytes, learners: list[LearnerId]) -> None:
        """Puts a file into the lab of each who has one; who has none can't be given it."""
        fd = os.memfd_create("handout", os.MFD_CLOEXEC)
        try:
            os.write(fd, file)
            for learner_id in learners:
                lab = self._labs.of(learner_id)
                if lab is None:
                    continue
                try:
                    code = self._engine.lab_put(lab["lab"], name, fd)
                except Problem as problem:
                    log.warning("file.not_given", learner=learner_id, code=problem.code)
                    code = NOT_GIVEN
                self.ran(learner_id, message, code)
        finally:
            os.close(fd)

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
    return {"until": None, "file": "", **event.payload, "at": event.at.timestamp()}
