"""What the server's page says: what to mend, what runs, what room is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from webapp.models.base import now
from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.engines.seam import Engine

_ORDER = ("missing", "worse", "good")
_LEFT_OUT = {"port"}  # the page that says it has come by it
_LABELS = {
    "cgroup": "cgroups",
    "id-mapped-mounts": "id-mapped mounts",
    "kvm": "KVM",
    "lxcfs": "lxcfs",
    "nftables": "nftables",
    "oci-runtime": "OCI runtime",
    "qemu": "qemu",
    "catatonit": "catatonit",
}


class Carrier(Protocol):
    """Whoever carries terminals, and knows how many; the pump does."""

    def figures(self) -> dict[str, int]:
        """How many `terminals` and `viewers`."""
        ...


@dataclass(frozen=True)
class Row:
    """One thing that doctor looked at.

    Attributes:
        state: `good`; `worse`, where it works with less; `missing`, where no lab can run.
    """

    name: str
    state: str
    found: str
    wanted: str
    fix: str


@dataclass(frozen=True)
class Part:
    """One process of the server; how long it has run, in seconds."""

    name: str
    up_s: float
    memory_bytes: int


@dataclass(frozen=True)
class ServerState:
    """All of it; what can't be asked just now is empty.

    Attributes:
        away: why the runtime says nothing.
        age_s: of doctor's report.
        warnings: of the server's network, just now.
        facts: by words; figures as text.
        disk, memory: bytes that are taken, and all of them.
    """

    away: Problem | None = None
    rows: list[Row] = field(default_factory=list)
    age_s: float = 0.0
    warnings: list[Problem] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    disk: tuple[int, int] = (0, 0)
    memory: tuple[int, int] = (0, 0)

    def count(self, state: str) -> int:
        """How many rows are in a state."""
        return sum(row.state == state for row in self.rows)


def look(engine: Engine, pump: Carrier) -> ServerState:
    """Ask whoever knows.

    Args:
        engine: knows labs, processes, and what doctor says.
        pump: knows terminals.
    """
    try:
        status, figures = engine.status(), engine.server_figures()
        report = engine.server_doctor()
    except Problem as problem:
        return ServerState(away=problem)
    moment = now().timestamp()
    disk, memory = figures["disk"], figures["memory"]
    return ServerState(
        rows=_rows(report["findings"]),
        age_s=max(0.0, moment - report["at"]),
        warnings=[Problem.from_dict(each) for each in status["warnings"]],
        facts={
            "Labs": f"{status['labs']} of {status['max_labs']}",
            "Standing ready": str(sum(each["ready"] for each in status["pool"])),
            "Terminals": _terminals(pump),
            "Version": status["version"],
        },
        parts=[
            Part(each["name"], max(0.0, moment - each["started_at"]), each["memory_bytes"])
            for each in figures["processes"]
        ],
        disk=(disk["bytes"] - disk["free_bytes"], disk["bytes"]),
        memory=(memory["bytes"] - memory["available_bytes"], memory["bytes"]),
    )


def _rows(findings: list[dict[str, Any]]) -> list[Row]:
    rows = [
        Row(label(each["name"]), each["state"], each["found"], each["wanted"], each["fix"])
        for each in findings
        if each["name"] not in _LEFT_OUT
    ]
    return sorted(rows, key=lambda row: _ORDER.index(row.state))


def label(name: str) -> str:
    """A probe's name, as people write it."""
    return _LABELS.get(name) or name.replace("-", " ").capitalize()


def _terminals(pump: Carrier) -> str:
    try:
        figures = pump.figures()
    except Problem:
        return "not known: what carries them is away"
    return f"{figures['terminals']} open, {figures['viewers']} looked at"
