"""Who looks at whose terminals: what the pump has granted, so that nobody looks unseen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from webapp import background
from webapp.models.people import Person, watcher_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.models.base import LearnerId, PersonId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

LOOK_S = 2.0
COMING_S = 5.0
"""So long somebody counts as looking whom the pump has not heard of yet."""


class Granting(Protocol):
    """Whoever carries terminals to those who look; the pump does."""

    def grants(self) -> list[dict[str, Any]]:
        """Who looks at what: `viewer`, `person`, `terminal`, `may`, `until`."""
        ...

    def renew(self, *, viewer: str, until: float, may: str | None = None) -> None:
        """Lets one viewer look until another time, or do something else."""
        ...


class Watching:
    """Knows who watches, and tells each learner.

    Args:
        database: where names are.
        pump: what it carries is the truth; it is asked every two seconds.
        labs: whose a terminal is.
        news: hears `watch` for each learner whose watchers are others now.
    """

    def __init__(self, database: Database, pump: Granting, labs: Labs, news: News) -> None:
        self._database = database
        self._pump = pump
        self._labs = labs
        self._news = news
        self._watchers: dict[LearnerId, dict[PersonId, str]] = {}
        self._coming: dict[tuple[LearnerId, PersonId], float] = {}
        self._listeners: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Looks from time to time."""
        background.every(LOOK_S, "watching", self.look)

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls back after each look."""
        self._listeners.append(listener)

    def expect(self, learner_id: LearnerId, person: Person) -> None:
        """Somebody is about to look: the learner hears it before the first byte is shown."""
        self._coming[learner_id, person.id] = time.monotonic()
        self._set(learner_id, {**self._watchers.get(learner_id, {}), person.id: person.name})

    def of(self, learner_id: LearnerId) -> dict[PersonId, str]:
        """Who looks at a learner's terminals now, by name."""
        return self._watchers.get(learner_id, {})

    def look(self) -> None:
        """One turn: takes the pump's word for who looks.

        Raises:
            Problem: `pump-away`.
        """
        found = self._found()
        moment = time.monotonic()
        self._coming = {who: at for who, at in self._coming.items() if moment - at < COMING_S}
        for learner_id, person_id in self._coming:
            name = self._watchers.get(learner_id, {}).get(person_id)
            if name is not None:
                found.setdefault(learner_id, {})[person_id] = name
        for learner_id in {*found, *self._watchers}:
            self._set(learner_id, found.get(learner_id, {}))
        for listener in self._listeners:
            listener()

    def _found(self) -> dict[LearnerId, dict[PersonId, str]]:
        owners = self._labs.by_lab()
        seen = {
            (owner, person_id)
            for grant in self._pump.grants()
            if (person_id := watcher_of(grant["person"])) is not None
            and (owner := owners.get(grant["terminal"].partition(".")[0])) is not None
        }
        found: dict[LearnerId, dict[PersonId, str]] = {}
        if seen:
            with self._database.read() as session:
                for learner_id, person_id in seen:
                    person = session.get(Person, person_id)
                    found.setdefault(learner_id, {})[person_id] = person.name if person else "?"
        return found

    def _set(self, learner_id: LearnerId, watchers: dict[PersonId, str]) -> None:
        if watchers == self._watchers.get(learner_id, {}):
            return
        if watchers:
            self._watchers[learner_id] = watchers
        else:
            self._watchers.pop(learner_id, None)
        self._news.tell("watch", learner_id, names=sorted(watchers.values()))
