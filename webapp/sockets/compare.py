"""The page with a machine beside the container: what its buttons ask for, and its figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog

from webapp.problems import Problem
from webapp.sockets import wire
from webapp.workshops import asking, works

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_socketio import SocketIO

    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

log = structlog.get_logger()

METER_EVERY_S = 1.0


class Compare:
    """Passes on what a learner asks of their own lab, and tells the pages that look on.

    Args:
        socketio: for its tasks and its sleep.
        parts: the application's.
        lab_of: the lab of whoever sends the present message; raises Problem without one.
        tell: sends a fact to all pages of a learner.
    """

    def __init__(
        self,
        socketio: SocketIO,
        parts: Wiring,
        lab_of: Callable[[], tuple[LearnerId, str]],
        tell: Callable[..., None],
    ) -> None:
        self._socketio = socketio
        self._parts = parts
        self._lab_of = lab_of
        self._tell = tell
        self._watching: set[LearnerId] = set()
        self._measures = False

    @property
    def handlers(self) -> dict[str, wire.Handler]:
        """The messages of `/lesson` that are answered here."""
        return {
            "boot": self.boot,
            "halt": self.halt,
            "work": self.work,
            "stop": self.stop,
            "plan": self.plan,
            "more": self.more,
            "less": self.less,
            "isolation": self.isolation,
        }

    def watch(self, learner_id: LearnerId) -> None:
        """A page with the panel is open: from now on its figures are read each second."""
        self._watching.add(learner_id)
        if not self._measures:
            self._measures = True
            self._socketio.start_background_task(self._measure)

    def forget(self, learner_id: LearnerId) -> None:
        """The learner's last page is gone."""
        self._watching.discard(learner_id)

    def boot(self, how: str, rows: int, cols: int) -> dict[str, Any]:
        """Start the machine."""
        _, lab = self._lab_of()
        return {"machine": asking.boot(self._parts.engine, lab, how, rows=rows, cols=cols)}

    def halt(self, *, force: bool) -> dict[str, Any]:
        """End the machine: asked to, or by force."""
        _, lab = self._lab_of()
        return {"machine": self._parts.engine.machine_end(lab, force=force)}

    def work(self, work: str) -> None:
        """Run one work on both sides; its progress comes as facts."""
        _, lab = self._lab_of()
        self._parts.engine.work_start(lab, work)

    def stop(self) -> None:
        """Stop the work that runs or waits."""
        _, lab = self._lab_of()
        self._parts.engine.work_stop(lab)

    def plan(self) -> dict[str, Any]:
        """How many more would fit into the learner's slice."""
        _, lab = self._lab_of()
        return {"plan": self._parts.engine.plan_read(lab)}

    def more(self, kind: str) -> dict[str, Any]:
        """One more of a kind, unless the slice has no room for it."""
        _, lab = self._lab_of()
        return {"plan": self._parts.engine.plan_more(lab, kind)}

    def less(self) -> dict[str, Any]:
        """End all that was started to try the slice."""
        _, lab = self._lab_of()
        return {"plan": self._parts.engine.plan_less(lab)}

    def isolation(self) -> dict[str, Any]:
        """What each side sees of kernel and hardware."""
        _, lab = self._lab_of()
        return self._parts.engine.meter_isolation(lab)

    def keep(self, item: Item) -> None:
        """Keep what a finished work came to, whether or not a page is there to see it."""
        if item.kind == "work" and item.facts.get("state") == "done":
            works.keep(self._parts.database, item.learner_id, item.facts)

    def hear(self, item: Item) -> None:
        """Pass on what the runtime says of a machine or a work to the learner's pages."""
        if item.kind == "machine":
            self._tell(item.learner_id, "machine", machine=item.facts["machine"])
        elif item.kind == "work":
            known = {key: item.facts.get(key) for key in wire.WORK_FACTS}
            self._tell(item.learner_id, "work", **known)

    def _measure(self) -> None:
        """Each second, for whoever looks on; one loop for all, none for nobody."""
        try:
            while self._watching:
                began = time.monotonic()
                self._measure_all()
                took = time.monotonic() - began
                self._socketio.sleep(max(0.05, METER_EVERY_S - took))  # type: ignore[arg-type]  # it sleeps parts of seconds, too
        finally:
            self._measures = False

    def _measure_all(self) -> None:
        known = {each: self._parts.labs.of(each) for each in self._watching}
        labs = {learner_id: lab["lab"] for learner_id, lab in known.items() if lab is not None}
        if not labs or self._parts.labs.is_away:
            return
        try:
            readings = self._parts.engine.meter_all(list(labs.values()))
        except Problem as problem:
            log.info("lesson.figures_unknown", code=problem.code)
            return
        for learner_id, lab_id in labs.items():
            if (reading := readings.get(lab_id)) is not None:
                told = {key: reading.get(key) for key in wire.METER_FACTS}
                self._tell(learner_id, "meter", **told)
