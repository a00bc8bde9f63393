"""Keeps which limits a learner's lab met, among what the learner did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.models.events import record
from webapp.workshops.needs import LIMITS

if TYPE_CHECKING:
    from webapp.models.database import Database
    from webapp.workshops.news import Item

KEPT = {*LIMITS, "cpu"}
"""What else the runtime tells as a limit (no internet, an end that is near) is the workshop's."""


class LimitsMet:
    """Writes down what the runtime told of limits; it tells each once in ten seconds at most."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hear(self, item: Item) -> None:
        """One piece of news."""
        limit = str(item.facts.get("limit"))
        if item.kind == "limit" and limit in KEPT:
            with self._database.write() as session:
                record(session, item.learner_id, "limited", limit=limit)
