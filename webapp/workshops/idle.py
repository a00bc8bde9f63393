"""The idle rule: an unused lab gives way, but only while somebody waits in line for its place.

A lab is unused when for a while nobody typed in it, nothing was printed and it spent no processor
time. What was typed and printed the pump knows, what was spent the runtime, and who waits the line;
so it is decided here, where the three meet. Who is to give way is warned first, in the terminal and
on the page, and any key keeps the lab.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from webapp import background
from webapp.models.base import now
from webapp.models.people import Learner, count_admitted, waiting_learners
from webapp.models.workshops import Workshop
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from webapp.engines.seam import Engine
    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.presence import Presence
    from webapp.workshops.queue import Line

log = structlog.get_logger()

LOOK_S = 15.0
GRACE_S = 120.0
CONTAINER_CORES = 0.01
"""Less than this share of a core is no work: a shell at its prompt spends nothing at all."""
MACHINE_CORES = 0.1
"""The same of a machine, whose kernel has its own clock to mind; emulated, that costs more."""


class Typists(Protocol):
    """Whoever knows when a terminal was last used; the pump does."""

    def activity(self) -> list[dict[str, Any]]:
        """For each terminal, when it last had input and output, in Unix seconds."""
        ...


@dataclass
class _Use:
    """What is known of one lab; times by the wall clock, since the pump's are.

    Attributes:
        at: the last sign of use.
        looked_at: when its processor time was last read.
        spent: processor seconds of container and machine then.
        warned_at: when its learner was told that it will end; None when they weren't.
    """

    at: float
    looked_at: float = 0.0
    spent: tuple[float, float] | None = None
    warned_at: float | None = None


class Idle:
    """Watches labs and lets unused ones give way.

    After a start of the web each lab counts as just used: it errs on the learner's side.

    Args:
        minutes: after which a lab counts as unused; 0 for never.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        pump: Typists,
        labs: Labs,
        line: Line,
        presence: Presence,
        *,
        minutes: int,
    ) -> None:
        self._database = database
        self._engine = engine
        self._pump = pump
        self._labs = labs
        self._line = line
        self._presence = presence
        self._idle_s = minutes * 60.0
        self._uses: dict[str, _Use] = {}

    def begin(self) -> None:
        """Looks from time to time."""
        if self._idle_s > 0:
            background.every(LOOK_S, "idle", self.look)

    def look(self, moment: float | None = None) -> None:
        """One turn: what was used since the last one, and who gives way.

        Args:
            moment: Unix seconds; now, if not said.

        Raises:
            Problem: the runtime's or the pump's: nothing is ended on half the facts.
        """
        moment = time.time() if moment is None else moment
        owners = self._labs.by_lab()
        self._uses = {lab: self._uses.get(lab) or _Use(moment) for lab in owners}
        self._hear(moment)
        self._measure(moment)
        for lab, owner in owners.items():
            if self._labs.is_paused(owner):  # who may do nothing isn't idle
                self._uses[lab].at = moment
        asked = set(self._asked_for(owners, moment))
        for lab, use in self._uses.items():
            if lab not in asked:  # it was used, or nobody waits any more
                use.warned_at = None
        for lab in asked:
            use = self._uses[lab]
            if use.warned_at is None:
                self._warn(lab, use, moment)
            elif moment - use.warned_at >= GRACE_S:
                self._end(owners[lab], lab)

    def _hear(self, moment: float) -> None:
        for terminal in self._pump.activity():
            use = self._uses.get(terminal["terminal"].partition(".")[0])
            if use is not None:
                last = max(terminal["last_input_at"], terminal["last_output_at"])
                use.at = max(use.at, min(last, moment))

    def _measure(self, moment: float) -> None:
        quiet = [lab for lab, use in self._uses.items() if use.at < moment]
        for lab, figures in self._engine.meter_all(quiet).items():
            use, spent = (
                self._uses[lab],
                (_seconds(figures, "container"), _seconds(figures, "machine")),
            )
            if use.spent is not None and _worked(use.spent, spent, moment - use.looked_at):
                use.at = moment
            use.looked_at, use.spent = moment, spent

    def _asked_for(self, owners: dict[str, LearnerId], moment: float) -> Iterator[str]:
        """Labs whose places are wanted, the longest unused first; one for each who waits."""
        unused = sorted(
            (lab for lab, use in self._uses.items() if moment - use.at >= self._idle_s),
            key=lambda lab: self._uses[lab].at,
        )
        if not unused:
            return
        with self._database.read() as session:
            held = [(lab, session.get_one(Learner, owners[lab])) for lab in unused]
            for wanted in self._wanted(session):
                place = next((lab for lab, who in held if _fits(who, wanted)), None)
                if place is not None:
                    held = [each for each in held if each[0] != place]
                    yield place

    def _wanted(self, session: Session) -> Sequence[Workshop | None]:
        """For each who waits here and now, the workshop that is full; None where the server is."""
        found: list[Workshop | None] = []
        for learner in waiting_learners(session):
            workshop = session.get_one(Workshop, learner.workshop_id)
            if not learner.has_time(workshop) or not self._presence.is_here(learner.id):
                continue
            is_full = count_admitted(session, workshop.id) >= workshop.max_learners
            found.append(workshop if is_full and not learner.is_staff else None)
        return found

    def _warn(self, lab: str, use: _Use, moment: float) -> None:
        use.warned_at = moment
        log.info("lab.idle_warned", lab=lab)
        self._engine.lab_warn(lab, idle_s=round(self._idle_s), left_s=round(GRACE_S))

    def _end(self, learner_id: LearnerId, lab: str) -> None:
        """Ends a lab; its learner is in no line until they come back."""
        with self._database.write() as session:
            learner = session.get_one(Learner, learner_id)
            admitted_at, learner.admitted_at, learner.lined_up_at = learner.admitted_at, None, None
        try:
            self._labs.give_up(learner_id)
        except Problem:  # it lives, so its place is still taken
            with self._database.write() as session:
                learner = session.get_one(Learner, learner_id)
                learner.admitted_at, learner.lined_up_at = admitted_at, now()
            raise
        log.info("lab.idle_ended", lab=lab)
        self._line.move()


def _fits(who: Learner, wanted: Workshop | None) -> bool:
    """Whether this learner's lab ending makes the room that is wanted."""
    return wanted is None or (who.workshop_id == wanted.id and not who.is_staff)


def _seconds(figures: dict[str, Any], side: str) -> float:
    return float((figures.get(side) or {}).get("cpu_seconds") or 0.0)


def _worked(before: tuple[float, float], after: tuple[float, float], elapsed_s: float) -> bool:
    container, machine = (now_s - then_s for now_s, then_s in zip(after, before, strict=True))
    return container >= CONTAINER_CORES * elapsed_s or machine >= MACHINE_CORES * elapsed_s
