"""An instructor types in a learner's terminal: asked for, granted, and over when either says so."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.events import record
from webapp.models.people import watcher_of
from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.models.base import LearnerId, PersonId
    from webapp.models.database import Database
    from webapp.models.people import Learner, Person
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News
    from webapp.workshops.presence import Presence
    from webapp.workshops.watching import Granting, Watching

log = structlog.get_logger()

ASK_S = 60.0
"""No answer for so long means no."""


@dataclass(frozen=True)
class Keyboard:
    """What there is between an instructor and a learner's keyboard.

    Attributes:
        person: who asked.
        at: since when it is so, in Unix seconds.
        is_lent: the learner said yes.
    """

    person: Person
    at: float
    is_lent: bool = False

    def as_wire(self) -> dict[str, Any]:
        """As pages get it."""
        state = "lent" if self.is_lent else "asked"
        return {"state": state, "by": self.person.name, "at": self.at}


FREE = {"state": "free", "by": "", "at": 0.0}


class Keyboards:
    """Asks, lends and takes back. A web that begins anew has lent none.

    Args:
        database: where it is kept that somebody typed, and until when.
        pump: lets a viewer type.
        labs: whose a terminal is.
        presence: whether there is anybody to ask.
        watching: who looks; whose last page is closed, has no keyboard.
        news: hears `keyboard`.
    """

    def __init__(
        self,
        database: Database,
        pump: Granting,
        labs: Labs,
        presence: Presence,
        watching: Watching,
        news: News,
    ) -> None:
        self._database = database
        self._pump = pump
        self._labs = labs
        self._presence = presence
        self._watching = watching
        self._news = news
        self._keyboards: dict[LearnerId, Keyboard] = {}
        watching.listen(self.look)

    def of(self, learner_id: LearnerId) -> dict[str, Any]:
        """How a learner's keyboard is: `free`, `asked` or `lent`, by whom and since when."""
        found = self._keyboards.get(learner_id)
        return found.as_wire() if found else FREE

    def is_lent_to(self, learner_id: LearnerId, person_id: PersonId) -> bool:
        """May this instructor type now?"""
        found = self._keyboards.get(learner_id)
        return found is not None and found.is_lent and found.person.id == person_id

    def ask(self, learner: Learner, person: Person) -> None:
        """Asks a learner whether somebody may type.

        Raises:
            Problem: `learner-away`, `keyboard-taken`.
        """
        if not self._presence.is_here(learner.id):
            raise Problem(
                "learner-away",
                f"{learner.shown_name} isn't at the page, so nobody could say yes.",
                "Ask when they are back.",
            )
        found = self._keyboards.get(learner.id)
        if found is not None and found.person.id != person.id:
            raise Problem(
                "keyboard-taken",
                f"{found.person.name} asked for this keyboard before you.",
                "Ask when they are done.",
            )
        if found is None:
            self._set(learner.id, Keyboard(person, time.time()))

    def answer(self, learner_id: LearnerId, *, is_yes: bool) -> None:
        """The learner's word; too late, or to nobody, it changes nothing.

        Raises:
            Problem: `pump-away`; nothing is lent then.
        """
        found = self._keyboards.get(learner_id)
        if found is None or found.is_lent:
            return
        if not is_yes or time.time() - found.at > ASK_S:
            self.end(learner_id)
            return
        self._let(learner_id, found.person, "help")
        self._keep(learner_id, "lent", found.person)
        self._set(learner_id, Keyboard(found.person, time.time(), is_lent=True))

    def end(self, learner_id: LearnerId, person_id: PersonId | None = None) -> bool:
        """Gives it back, takes it back, or no longer asks.

        Args:
            learner_id: whose keyboard.
            person_id: only where it is this one who asked or has it.

        Returns:
            Whether there was anything to end.
        """
        found = self._keyboards.get(learner_id)
        if found is None or (person_id is not None and found.person.id != person_id):
            return False
        self._set(learner_id, None)
        if found.is_lent:
            self._keep(learner_id, "returned", found.person)
            try:
                self._let(learner_id, found.person, "watch")
            except Problem as problem:  # sockets/rights compares what is granted with what is right
                log.warning("keyboard.not_taken_back", code=problem.code)
        return True

    def look(self) -> None:
        """Time passes: who was asked didn't answer, or who has it has closed the page."""
        for learner_id, found in list(self._keyboards.items()):
            is_late = not found.is_lent and time.time() - found.at > ASK_S
            if is_late or found.person.id not in self._watching.of(learner_id):
                self.end(learner_id)

    def _set(self, learner_id: LearnerId, keyboard: Keyboard | None) -> None:
        if keyboard is None:
            self._keyboards.pop(learner_id, None)
        else:
            self._keyboards[learner_id] = keyboard
        self._news.tell("keyboard", learner_id, **self.of(learner_id))

    def _let(self, learner_id: LearnerId, person: Person, may: str) -> None:
        owners = self._labs.by_lab()
        for grant in self._pump.grants():
            owner = owners.get(grant["terminal"].partition(".")[0])
            if owner == learner_id and watcher_of(grant["person"]) == person.id:
                self._pump.renew(viewer=grant["viewer"], until=grant["until"], may=may)

    def _keep(self, learner_id: LearnerId, what: str, person: Person) -> None:
        log.info("keyboard.changed", what=what, learner=learner_id, person=person.id)
        with self._database.write() as session:
            record(session, learner_id, what, by=person.name)
