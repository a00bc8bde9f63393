"""The small pictures on walls: whose terminals are looked at now, and what changed on them."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from webapp import background
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from webapp.models.base import LearnerId
    from webapp.workshops.activity import Activity

LOOK_S = 1.0
BUDGET_S = 0.25
"""Of processor time in each turn at most; who comes too short is the first of the next."""


class Showing(Protocol):
    """Whoever knows what terminals print; the pump does."""

    def glimpse(
        self, terminal: str, *, after: int | None = None, epoch: int | None = None
    ) -> dict[str, Any]:
        """What was printed since `after`."""
        ...


class Drawn(Protocol):
    """One terminal's picture; terminals.picture.Picture is one.

    Attributes:
        epoch: of what it has read; None before the first look.
        seq: how far it has read.
        turn: counts up with each look that changed something.
    """

    epoch: int | None
    seq: int | None
    turn: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    def take(self, told: Mapping[str, Any]) -> None:
        """Reads what was printed since the last look."""
        ...

    def changed_since(self, turn: int) -> Mapping[int, list[Any]]:
        """The rows that changed after a turn, by their number."""
        ...


class Screens:
    """Draws what somebody looks at, and nothing else.

    Args:
        pump: tells what terminals print.
        activity: which terminal a learner used last.
        begin_picture: makes an empty one.
    """

    def __init__(
        self, pump: Showing, activity: Activity, begin_picture: Callable[[], Drawn]
    ) -> None:
        self._pump = pump
        self._begin_picture = begin_picture
        self._activity = activity
        self._looks: dict[str, dict[LearnerId, tuple[str, int]]] = {}
        self._pictures: dict[str, Drawn] = {}
        self._line: deque[LearnerId] = deque()
        self._tell: Callable[[str, LearnerId, dict[str, Any]], None] = lambda *_: None

    def begin(self) -> None:
        """Looks once a second."""
        background.every(LOOK_S, "screens", self.turn)

    def listen(self, tell: Callable[[str, LearnerId, dict[str, Any]], None]) -> None:
        """Calls back with who looks, at whom, and what changed of their picture.

        That is `rows`, `cols`, `lines` (the changed rows' runs, by number) and `whole`: nothing of
        what was there before counts any more.
        """
        self._tell = tell

    def look(self, viewer: str, learners: Iterable[LearnerId]) -> None:
        """These are what one viewer's page shows from now on."""
        before = self._looks.get(viewer, {})
        self._looks[viewer] = {each: before.get(each, ("", 0)) for each in learners}

    def leave(self, viewer: str) -> None:
        """They show nothing any more."""
        self._looks.pop(viewer, None)

    def turn(self) -> None:
        """One turn: what changed goes out to whom it concerns.

        Raises:
            Problem: `pump-away`.
        """
        wanted = {each for looks in self._looks.values() for each in looks}
        self._line = deque(each for each in self._line if each in wanted)
        self._line.extend(wanted - set(self._line))
        terminals = {self._activity.terminal_of(each) for each in wanted}
        self._pictures = {
            name: picture for name, picture in self._pictures.items() if name in terminals
        }
        until = time.thread_time() + BUDGET_S
        for _ in range(len(self._line)):
            if time.thread_time() > until:
                break
            self._line.rotate(-1)  # first, so that one whose pump is away holds up no others
            self._show(self._line[-1])
            time.sleep(0)  # whoever waits for the web goes first

    def _show(self, learner_id: LearnerId) -> None:
        terminal = self._activity.terminal_of(learner_id)
        if terminal is None:
            return
        picture = self._pictures.get(terminal) or self._begin_picture()
        self._pictures[terminal] = picture
        try:
            told = self._pump.glimpse(terminal, after=picture.seq, epoch=picture.epoch)
        except Problem as problem:
            if problem.code == "pump-away":
                raise
            return  # it has just ended
        picture.take(told)
        for viewer, looks in list(self._looks.items()):
            if learner_id in looks:
                looks[learner_id] = self._tell_one(viewer, learner_id, terminal, looks[learner_id])

    def _tell_one(
        self, viewer: str, learner_id: LearnerId, terminal: str, told: tuple[str, int]
    ) -> tuple[str, int]:
        picture = self._pictures[terminal]
        is_whole = told[0] != terminal
        if is_whole or told[1] != picture.turn:
            rows, cols = picture.size
            lines = picture.changed_since(0 if is_whole else told[1])
            what = {"rows": rows, "cols": cols, "lines": lines, "whole": is_whole}
            self._tell(viewer, learner_id, what)
        return terminal, picture.turn
