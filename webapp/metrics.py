"""What a watcher reads at /metrics: counted as it happens, or looked at when it is asked for.

Nothing here names a person, a workshop or a lab, so a stranger who read it would learn how many
there are. What is counted begins anew with the web, as Prometheus expects of a counter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from webapp.models.people import waiting_learners
from webapp.models.workshops import running_workshops
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from webapp.engines.seam import Engine
    from webapp.models.database import Database
    from webapp.terminals.client import Pumps
    from webapp.workshops.checking import Verdict
    from webapp.workshops.presence import Presence

START_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From a lab that stood ready (some milliseconds) to one that waits for a busy server's disk."""


class Metrics:
    """The counters of one web process; `read` adds what is looked at.

    Args:
        database: holds workshops, and who waits.
        engine: knows labs and processes.
        pumps: know terminals.
        presence: knows whose page is open.
    """

    def __init__(
        self, database: Database, engine: Engine, pumps: Pumps, presence: Presence
    ) -> None:
        # Else each counter brings a second figure, when it began.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._registry.register(_Looks(database, engine, pumps, presence))
        self._starts = Histogram(
            "slipway_lab_start_seconds",
            "From asking for a lab to its shell, by kind: cold, or warm (it stood ready)",
            ["kind"],
            registry=self._registry,
            buckets=START_BUCKETS_S,
        )
        self._ends = self._counter("slipway_labs_ended", "Labs that ended, by reason", "reason")
        self._limits = self._counter("slipway_limits_hit", "Limits that labs met", "limit")
        self._joins = self._counter("slipway_joins", "Learners who came in by a code and a name")
        self._refused = self._counter(
            "slipway_joins_refused", "Joins that were refused, by problem code", "code"
        )
        self._checks = self._counter(
            "slipway_checks",
            "Checks and answers, by result: passed, not_yet, broke",
            "result",
        )
        self._problems = self._counter(
            "slipway_problems", "Problems that pages showed, by code", "code"
        )

    def heard(self, event: dict[str, Any]) -> None:
        """One event of the runtime's."""
        match event["type"]:
            case "lab.ready":
                kind = "warm" if event.get("warm") else "cold"
                self._starts.labels(kind).observe(float(event.get("ms", 0)) / 1000)
            case "lab.ended":
                self._ends.labels(str(event.get("reason"))).inc()
            case "lab.limit":
                self._limits.labels(str(event.get("limit"))).inc()
            case _:
                pass

    def joined(self) -> None:
        """Somebody came in."""
        self._joins.inc()

    def join_refused(self, problem: Problem) -> None:
        """Somebody didn't."""
        self._refused.labels(problem.code).inc()

    def judged(self, verdict: Verdict) -> None:
        """A check ran, or an answer was judged."""
        result = "broke" if verdict.broke else "passed" if verdict.passed else "not_yet"
        self._checks.labels(result).inc()

    def shown(self, problem: Problem) -> None:
        """A page showed a problem."""
        self._problems.labels(problem.code).inc()

    def read(self) -> bytes:
        """All of it, in Prometheus' text format; what can't be asked just now is left out."""
        return generate_latest(self._registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(name, says, labels, registry=self._registry)


class _Looks(Collector):
    """What is true now, asked of whoever knows."""

    def __init__(
        self, database: Database, engine: Engine, pumps: Pumps, presence: Presence
    ) -> None:
        self._database = database
        self._engine = engine
        self._pumps = pumps
        self._presence = presence

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: else it would be asked while the web begins, when nobody answers."""
        return ()

    @override
    def collect(self) -> Iterator[Metric]:
        """One look."""
        up = GaugeMetricFamily(
            "slipway_up", "Whether a part of the server answers", labels=["part"]
        )
        for part, look in (("runtime", self._labs), ("pump", self._terminals)):
            try:
                found = list(look())
            except Problem:
                found = []
            up.add_metric([part], float(bool(found)))
            yield from found
        yield up
        yield from self._people()

    def _people(self) -> Iterator[Metric]:
        with self._database.read() as session:
            workshops = sum(each.is_open for each in running_workshops(session))
            waiting = len(waiting_learners(session))
        yield _gauge("slipway_workshops_open", "Workshops that go on", workshops)
        yield _gauge("slipway_learners_waiting", "Learners in line for a lab", waiting)
        here = self._presence.count()
        yield _gauge("slipway_learners_present", "Learners with a page open", here)

    def _labs(self) -> Iterator[Metric]:
        status = self._engine.status()
        ready = sum(each["ready"] for each in status["pool"])
        yield _gauge("slipway_labs", "Labs that learners have", status["labs"])
        yield _gauge("slipway_labs_most", "Labs that may live at once", status["max_labs"])
        yield _gauge("slipway_labs_standing_ready", "Labs that wait for a learner", ready)
        figures = self._engine.server_figures()
        disk, memory = figures["disk"], figures["memory"]
        yield _gauge("slipway_disk_bytes", "Size of the data folder's file system", disk["bytes"])
        yield _gauge("slipway_disk_free_bytes", "What is free of it", disk["free_bytes"])
        yield _gauge("slipway_memory_bytes", "Memory of the machine", memory["bytes"])
        yield _gauge(
            "slipway_memory_available_bytes",
            "What the kernel could still give of it",
            memory["available_bytes"],
        )
        yield from _processes(figures["processes"])

    def _terminals(self) -> Iterator[Metric]:
        figures = self._pumps.figures()
        yield _gauge("slipway_terminals", "Terminals that are open", figures["terminals"])
        yield _gauge("slipway_terminal_viewers", "Pages that show one", figures["viewers"])
        moved = CounterMetricFamily(
            "slipway_terminal_bytes",
            "Bytes of terminals since the pump began, by direction: typed, printed",
            labels=["direction"],
        )
        for direction in ("typed", "printed"):
            moved.add_metric([direction], figures[f"{direction}_bytes"])
        yield moved


_COSTS = (
    ("memory_bytes", "resident_memory_bytes", "Memory that it has, shared pages too"),
    ("descriptors", "open_fds", "Descriptors that it has open"),
    ("threads", "threads", "Threads that it has"),
    ("started_at", "start_time_seconds", "When it began, in Unix seconds"),
)


def _processes(processes: list[dict[str, Any]]) -> Iterator[Metric]:
    spent = CounterMetricFamily(
        "slipway_process_cpu_seconds", "Processor time that it spent", labels=["process"]
    )
    for each in processes:
        spent.add_metric([each["name"]], each["cpu_seconds"])
    yield spent
    for key, name, says in _COSTS:
        family = GaugeMetricFamily(f"slipway_process_{name}", says, labels=["process"])
        for each in processes:
            family.add_metric([each["name"]], each[key])
        yield family


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)
