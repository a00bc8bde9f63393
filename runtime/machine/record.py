"""What is known of one machine, for the wire and for the runtime after us."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

How = Literal["cold", "resumed"]
State = Literal["queued", "booting", "ready", "ending", "ended", "failed"]
Reason = Literal[
    "", "asked", "halted", "crashed", "killed", "memory", "never-ready", "missing", "no-kernel",
    "processor", "server",
]  # fmt: skip
# How a start is called in the figures of both sides.
STARTS: dict[How, str] = {"cold": "cold", "resumed": "prepared"}
LIVING = ("queued", "booting", "ready", "ending")


@dataclass
class Record:
    """One machine, from the request for it until the next.

    Attributes:
        lab: whose it is.
        hostname: its own.
        memory_bytes: of the guest.
        disk_limit_bytes: what fits on its own disk.
        uid: the server's id of its qemu.
        state: see `State`.
        place: how many boots go before it; 0 when it is not in line.
        how: `cold`, or `resumed` from a saved one.
        accelerator: `kvm` or `tcg`; empty before qemu starts.
        board: `microvm`, or `q35` where that didn't come up.
        pid: the server's pid of its qemu; 0 where there is none.
        started_ticks: when that process began, so that a pid used again isn't taken for it.
        stages_ms: `hypervisor`, `kernel`, `init`, `shell`; each is there once it is over.
        requested_at: unix seconds at which it was asked for.
        started_at: unix seconds at which its turn came.
        starts: the last of each kind in this lab, `cold` and `prepared`: `ms`, `at`, `stages_ms`.
        release: of its kernel, as the guest says.
        boot_id: likewise.
        reason: why it ended or failed.
        sentence: the same for a person, with what it did not touch.
        last_end: `reason` and `at` of the machine before it that ran in this lab; None: none did.
    """

    lab: str
    hostname: str
    memory_bytes: int
    disk_limit_bytes: int
    uid: int
    state: State = "queued"
    place: int = 0
    how: How = "cold"
    accelerator: str = ""
    board: str = ""
    pid: int = 0
    started_ticks: int = 0
    stages_ms: dict[str, float] = field(default_factory=dict)
    requested_at: float = 0.0
    started_at: float = 0.0
    starts: dict[str, dict[str, Any]] = field(default_factory=dict)
    release: str = ""
    boot_id: str = ""
    reason: Reason = ""
    sentence: str = ""
    last_end: dict[str, Any] | None = None

    @property
    def lives(self) -> bool:
        """Whether it runs, or is about to."""
        return self.state in LIVING

    def pass_stages(self, **took_ms: float) -> None:
        """Stages are over; in a dict of their own, since another thread may be reading this one."""
        rounded = {stage: round(ms, 1) for stage, ms in took_ms.items()}
        self.stages_ms = {**self.stages_ms, **rounded}

    def keep_start(self) -> None:
        """Its prompt is there: how long that took stays known in its lab."""
        start = {
            "ms": round(sum(self.stages_ms.values()), 2),
            "at": self.started_at,
            "stages_ms": self.stages_ms,
        }
        self.starts = {**self.starts, STARTS[self.how]: start}

    def as_dict(self) -> dict[str, Any]:
        """The machine as verbs and events show it (docs/reference.md)."""
        return {**asdict(self), "terminal": f"{self.lab}.m"}
