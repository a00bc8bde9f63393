"""What is between a learner and whoever teaches: hand, messages, who watches, who may type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.access import as_learner
from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from webapp.models.base import LearnerId
    from webapp.sockets.wire import Handler
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item


class Help:
    """The part of `/lesson` that is between a learner and whoever teaches.

    Args:
        parts: of this application.
        tell: says a fact to the pages of one learner.
    """

    def __init__(self, parts: Wiring, tell: Callable[..., None]) -> None:
        self._parts = parts
        self._tell = tell

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What a page may say."""
        return {"hand": self.hand, "lend": self.lend, "close": self.close, "ran": self.ran}

    def hand(self, up: bool, note: str | None) -> dict[str, Any]:  # noqa: FBT001 - as on the wire
        """The learner raises or lowers their hand."""
        learner, _ = as_learner(current_visitor())
        if up:
            return {"place": self._parts.hands.raise_one(learner.id, note or "")}
        self._parts.hands.lower(learner.id)
        return {"place": 0}

    def lend(self, yes: bool) -> None:  # noqa: FBT001 - as on the wire
        """The learner lets an instructor type who asked; or doesn't, or not any more."""
        learner, _ = as_learner(current_visitor())
        if yes:
            self._parts.keyboards.answer(learner.id, is_yes=True)
        else:
            self._parts.keyboards.end(learner.id)

    def close(self, message: str) -> None:
        """The learner has read what they were told."""
        learner, _ = as_learner(current_visitor())
        self._parts.messages.close(learner.id, message)

    def ran(self, message: str, code: int | None) -> None:
        """The learner ran the command of a message."""
        learner, _ = as_learner(current_visitor())
        self._parts.messages.ran(learner.id, message, code)

    def standing(self, learner_id: LearnerId) -> dict[str, Any]:
        """All of it, for a page that begins or comes back."""
        return {
            "hand": self._parts.hands.place_of(learner_id),
            "watchers": sorted(self._parts.watching.of(learner_id).values()),
            "keyboard": self._parts.keyboards.of(learner_id),
            "messages": self._parts.messages.open_for(learner_id),
        }

    def hear(self, item: Item) -> None:
        """Pass one piece of news on to the learner's pages."""
        if item.kind in {"hand", "watch", "keyboard", "message"}:
            self._tell(item.learner_id, item.kind, **item.facts)
