"""Who wants to know hears at once: rules tell, sockets pass it on to browsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from webapp.models.base import LearnerId

log = structlog.get_logger()


@dataclass(frozen=True)
class Item:
    """One thing that happened to one learner.

    Attributes:
        kind: `lab` (its state changed), `progress` (an event was recorded), `limit`, `shell`,
            `seated` (a lab was given; `held`: it is to be set up first),
            `ended` (the workshop is over), `presence`, `clock`,
            `hand` (it was raised or lowered, or its place is another),
            `watch` (others look at their terminals), `keyboard` (asked for, lent or free),
            `message` (they were told something), `heard` (they closed it, or ran its command),
            `pace` (which steps are locked), `brought` (an instructor leads them to a step),
            `machine` (its state changed), `busy` (at full CPU, or no more), `work` (one goes on,
            or came to an end), `reset` (a fresh lab is in the place of theirs, or isn't).
        facts: what a listener needs beside; for `limit` its `limit` and `sentence`.
    """

    kind: str
    learner_id: LearnerId
    facts: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Item], None]


class News:
    """Tells each listener, in the teller's own thread; a listener hands on and returns."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """From now on; for as long as the application lives."""
        self._listeners.append(listener)

    def tell(self, kind: str, learner_id: LearnerId, **facts: object) -> None:
        """Says what happened.

        A listener that breaks is written down and keeps nothing from the others.
        """
        item = Item(kind, learner_id, facts)
        for listener in self._listeners:
            try:
                listener(item)
            except Exception:
                log.exception("news.listener_broke", kind=kind)
