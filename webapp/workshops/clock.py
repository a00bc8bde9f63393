"""What happens by itself: time runs out, the runtime comes and goes, the line moves.

Two threads of ours.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.workshops import running_workshops, workshops_to_end
from webapp.problems import Problem
from webapp.workshops.ending import (
    end_demos,
    end_for_the_class,
    end_leftovers,
    end_workshop,
    overrun,
)
from webapp.workshops.opening import ensure_demo, shapes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.engines.seam import Engine
    from webapp.lesson_format.library import Library
    from webapp.models.database import Database
    from webapp.workshops.images import Stock
    from webapp.workshops.labs import Labs
    from webapp.workshops.leaping import Leaping
    from webapp.workshops.newcomers import Newcomers
    from webapp.workshops.news import News
    from webapp.workshops.pausing import Pausing
    from webapp.workshops.queue import Line

log = structlog.get_logger()

TICK_S = 2.0
RETRY_S = 1.0


class Clock:
    """Follows the runtime's events and the time. No request needs it to be answered.

    Args:
        also: hears each of the runtime's events, too.
        has_demo: whether a demo workshop is kept open while there is no other.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        library: Library,
        labs: Labs,
        line: Line,
        news: News,
        stock: Stock,
        pausing: Pausing,
        newcomers: Newcomers,
        leaping: Leaping,
        *,
        also: Callable[[dict[str, Any]], None],
        has_demo: bool,
    ) -> None:
        self._database = database
        self._engine = engine
        self._library = library
        self._labs = labs
        self._line = line
        self._news = news
        self._stock = stock
        self._pausing = pausing
        self._newcomers = newcomers
        self._leaping = leaping
        self._also = also
        self._has_demo = has_demo
        self._stopping = threading.Event()
        self._cursor = 0

    def begin(self) -> None:
        """Starts both threads (under eventlet they are greenlets)."""
        self._newcomers.find_cut_off()
        threading.Thread(target=self._tick_for_ever, name="clock", daemon=True).start()
        threading.Thread(target=self._follow_for_ever, name="runtime-events", daemon=True).start()

    def stop(self) -> None:
        """Lets both threads end at their next turn."""
        self._stopping.set()

    def tick(self) -> None:
        """One turn: gives more time or ends what is over, minds the demo, moves the line."""
        self._leaping.follow()
        undecided = overrun(self._database, self._labs, self._news)
        with self._database.read() as session:
            over = [each.id for each in workshops_to_end(session) if each.id not in undecided]
            running = running_workshops(session)
        for workshop_id in over:
            end_workshop(self._database, self._labs, self._news, workshop_id)
        self._pausing.end_long_ones()
        if not self._labs.is_away:
            self._pausing.agree()
        end_for_the_class(self._database, self._labs, self._news)
        if any(not each.is_demo for each in running):
            end_demos(self._database, self._labs, self._news)
        elif self._has_demo:
            ensure_demo(self._database, self._library)
        self._newcomers.go_on()
        self._line.move()

    def found(self) -> None:
        """The runtime answers (again): takes its word for the labs, ends what should have ended.

        Raises:
            Problem: `runtime-away` when it went again.
        """
        self._labs.refresh()
        self._labs.set_away(is_away=False)
        end_leftovers(self._database, self._labs)
        self._pausing.agree()
        self._newcomers.go_on()
        self.order_pool()
        self._line.move()

    def order_pool(self) -> None:
        """Asks for a ready lab for each workshop that goes on.

        Raises:
            Problem: the runtime's.
        """
        with self._database.read() as session:
            shapes = shapes_of(running_workshops(session))
        self._engine.pool_want(shapes)

    def _tick_for_ever(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                self.tick()
            except Exception:
                log.exception("clock.tick_broke")

    def _follow_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except Problem as problem:
                if not self._labs.is_lost and not self._labs.are_awaited:
                    log.info("runtime.not_followed", code=problem.code)
            except Exception:
                log.exception("clock.event_broke")
            self._labs.set_away(is_away=True)
            self._stopping.wait(RETRY_S)

    def _follow(self) -> None:
        """Hears events until the runtime goes away."""
        self._engine.status()
        self.found()
        for event in self._engine.events(self._cursor):
            self._cursor = int(event.get("seq", self._cursor))
            if event["type"] in {"events.missed", "runtime.started"}:
                self.found()
            self._labs.heard(event)
            self._stock.heard(event)
            self._also(event)
            if event["type"] == "lab.ended":
                self._line.move()
