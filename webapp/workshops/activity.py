"""When each learner last typed, and in which of their terminals; the pump knows, and is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from webapp import background

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.models.base import LearnerId
    from webapp.workshops.idle import Typists
    from webapp.workshops.labs import Labs

LOOK_S = 2.0


class Activity:
    """What the pump last said of the terminals of learners.

    A pump that begins anew knows nothing of before; then the last that it said still counts.

    Args:
        pump: who is asked.
        labs: who has which.
    """

    def __init__(self, pump: Typists, labs: Labs) -> None:
        self._pump = pump
        self._labs = labs
        self._typed_at: dict[LearnerId, float] = {}
        self._terminals: dict[LearnerId, dict[str, Any]] = {}
        self._listeners: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Looks from time to time."""
        background.every(LOOK_S, "activity", self.look)

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls back after each look, also one that the pump didn't answer."""
        self._listeners.append(listener)

    def look(self) -> None:
        """One turn.

        Raises:
            Problem: `pump-away`; whoever listens is told nevertheless.
        """
        try:
            self._hear(self._pump.activity())
        finally:
            for listener in self._listeners:
                listener()

    def typed_at(self, learner_id: LearnerId) -> datetime | None:
        """When a key was pressed in any of their terminals; None where nobody knows."""
        at = self._typed_at.get(learner_id)
        return datetime.fromtimestamp(at, UTC) if at else None

    def terminal_of(self, learner_id: LearnerId) -> str | None:
        """The terminal that they used last, as `LAB.NAME`; None while there is none."""
        found = self._terminals.get(learner_id)
        return str(found["terminal"]) if found else None

    def _hear(self, terminals: list[dict[str, Any]]) -> None:
        owners = self._labs.by_lab()
        used: dict[LearnerId, dict[str, Any]] = {}
        for terminal in terminals:
            who = owners.get(terminal["terminal"].partition(".")[0])
            if who is None:
                continue
            typed_at = max(self._typed_at.get(who, 0.0), terminal["last_input_at"])
            self._typed_at[who] = typed_at
            if who not in used or _use(terminal) > _use(used[who]):
                used[who] = terminal
        self._terminals = used


def _use(terminal: dict[str, Any]) -> tuple[float, float]:
    return terminal["last_input_at"], terminal["last_output_at"]
