"""Labs at full processor time though nobody types: marked for the instructor, and left alone.

A stranger with a shell may have it dig for coins or guess passwords; a learner may have forgotten a
loop. Which one it is a person sees at a look, so nothing is ended.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp import background

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from webapp.engines.seam import Engine
    from webapp.models.base import LearnerId
    from webapp.workshops.idle import Typists
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

LOOK_S = 60.0
SIDES = ("container", "machine")
FULL_SHARE = 0.7
"""Of what it could have had; the server's own work takes some of that."""
WORKING_CORES = 0.05
"""Who uses less asks for no share of the server."""


@dataclass(frozen=True)
class _Spent:
    """Processor time of one side of a lab.

    Attributes:
        seconds: since its start.
        cores: the most that it may use in a second.
        server_cores: how many the server has.
    """

    seconds: float
    cores: float
    server_cores: int


class Busy:
    """Watches who works without being used.

    After a start of the web the time is counted anew: it errs on the learner's side.

    Args:
        minutes: after which a lab is marked; 0 for never.
    """

    def __init__(
        self, engine: Engine, pump: Typists, labs: Labs, news: News, *, minutes: int
    ) -> None:
        self._engine = engine
        self._pump = pump
        self._labs = labs
        self._news = news
        self._after_s = minutes * 60.0
        self._looked_at = 0.0
        self._spent: dict[tuple[str, str], _Spent] = {}
        self._since: dict[str, float] = {}

    def begin(self) -> None:
        """Looks from time to time."""
        if self._after_s > 0:
            background.every(LOOK_S, "busy", self.look)

    def minutes_of(self, learner_id: LearnerId) -> int | None:
        """For how long the learner's lab has been at full CPU; None where it isn't marked."""
        lab = self._labs.of(learner_id)
        since = self._since.get(str(lab["lab"])) if lab else None
        if since is None or self._looked_at - since < self._after_s:
            return None
        return int((self._looked_at - since) // 60)

    def look(self, moment: float | None = None) -> None:
        """One turn: whose processor time was full since the last one, and who is marked by now.

        Args:
            moment: Unix seconds; now, if not said.

        Raises:
            Problem: the runtime's or the pump's; what was counted before stays.
        """
        moment = time.time() if moment is None else moment
        owners = self._labs.by_lab()
        typed = {
            terminal["terminal"].partition(".")[0]: terminal["last_input_at"]
            for terminal in sorted(self._pump.activity(), key=lambda each: each["last_input_at"])
        }
        spent = dict(_sides(self._engine.meter_all(list(owners))))
        marked = {who for who in owners.values() if self.minutes_of(who) is not None}
        began, self._looked_at = self._looked_at, moment
        full = self._full(spent, moment - began)
        self._since = {
            lab: since
            for lab in full
            if typed.get(lab, 0.0) <= (since := self._since.get(lab, began))
        }
        self._spent = spent
        for who in owners.values():
            if self.minutes_of(who) is not None or who in marked:
                self._news.tell("busy", who)

    def _full(self, spent: Mapping[tuple[str, str], _Spent], elapsed_s: float) -> set[str]:
        """Labs of which a side used about as much as it could have had beside the others."""
        if elapsed_s <= 0:  # somebody set the clock
            return set()
        used = {
            side: (now.seconds - before.seconds) / elapsed_s
            for side, now in spent.items()
            if (before := self._spent.get(side)) is not None
        }
        working = sum(cores >= WORKING_CORES for cores in used.values())
        return {
            side[0]
            for side, cores in used.items()
            if cores >= WORKING_CORES
            and cores >= FULL_SHARE * min(spent[side].cores, spent[side].server_cores / working)
        }


def _sides(
    meters: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[tuple[str, str], _Spent]]:
    for lab, figures in meters.items():
        for side in SIDES:
            read = figures.get(side) or {}
            if read.get("cpu_seconds") is not None:
                spent = _Spent(read["cpu_seconds"], read["cpu_cores"], figures["cores"])
                yield (lab, side), spent
