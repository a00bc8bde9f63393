"""Who has the lesson open right now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from webapp.models.base import now

if TYPE_CHECKING:
    from datetime import datetime

    from webapp.models.base import LearnerId
    from webapp.workshops.news import News


class Presence:
    """Counts each learner's open pages; a second tab that closes says nothing about the first.

    Attributes:
        began_at: since when it counts.
    """

    def __init__(self, news: News) -> None:
        self.began_at = now()
        self._news = news
        self._pages: Counter[LearnerId] = Counter()
        self._seen_at: dict[LearnerId, datetime] = {}

    def arrive(self, learner_id: LearnerId) -> None:
        """A page was opened."""
        self._change(learner_id, 1)

    def leave(self, learner_id: LearnerId) -> None:
        """A page was closed, or its connection lost."""
        self._change(learner_id, -1)

    def is_here(self, learner_id: LearnerId) -> bool:
        """Is any page of theirs connected?"""
        return self._pages[learner_id] > 0

    def count(self) -> int:
        """How many learners have a page open."""
        return sum(pages > 0 for pages in list(self._pages.values()))

    def seen_at(self, learner_id: LearnerId) -> datetime | None:
        """When they came or went last; None when they haven't since the server started."""
        return self._seen_at.get(learner_id)

    def _change(self, learner_id: LearnerId, difference: int) -> None:
        self._pages[learner_id] = max(0, self._pages[learner_id] + difference)
        self._seen_at[learner_id] = now()
        self._news.tell("presence", learner_id)
