"""Small pictures of terminals, each from the pump that carries it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from webapp.models.base import LearnerId
from webapp.problems import Problem
from webapp.terminals.picture import Picture
from webapp.workshops.screens import Screens

if TYPE_CHECKING:
    from webapp.workshops.activity import Activity

HERE, AWAY = LearnerId(1), LearnerId(2)


class Pumps:
    """Two, of which one is away: a real one can't be hung at a moment of our choice."""

    def __init__(self) -> None:
        self.shown = 0

    def glimpse(
        self, terminal: str, *, after: int | None = None, epoch: int | None = None
    ) -> dict[str, Any]:
        if terminal == str(AWAY):
            raise Problem("pump-away", "It is away.", "It comes back.")
        assert epoch in {None, 1}
        self.shown += 1
        told = {"epoch": 1, "seq": after or 0, "rows": 24, "cols": 80, "preamble": b""}
        return {**told, "output": b""}


def test_a_pump_that_is_away_holds_up_no_pictures_of_another() -> None:
    pumps = Pumps()
    activity = cast("Activity", SimpleNamespace(terminal_of=str))
    screens = Screens(pumps, activity, Picture)
    screens.look("viewer", [HERE, AWAY])
    for _ in range(4):
        with pytest.raises(Problem):
            screens.turn()
    assert pumps.shown >= 3
