"""What a lab is, in memory and on disk; the kernel is the truth, the file a hint."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NewType

from runtime.container.bundle import User
from runtime.limits.amounts import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LabId = NewType("LabId", str)
State = Literal["making", "ready", "ending"]


@dataclass(frozen=True)
class Shape:
    """What was asked for; of two labs with one shape, either can stand in for the other.

    Attributes:
        allowed: the only names that it reaches of the internet; all, where there is none.
        in_machine: its learner works in its machine alone: no shell is opened in its container.
    """

    image: str
    profile: str = "plain"
    internet: bool = False
    allowed: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    own_figures: bool = False
    in_machine: bool = False


@dataclass(frozen=True)
class Order:
    """What a caller asks for.

    Attributes:
        key: the caller's name for the lab; the same key gives the same lab.
        shape: what it is made from.
        until: unix seconds at which it ends by itself.
        rows: the size of its first terminal, with `cols`.
        cols: see `rows`.
        replaces: the lab of this key that ends first, and whose place this one takes; where the key
            has another by now, it was replaced already.
    """

    key: str
    shape: Shape
    until: float
    rows: int = 24
    cols: int = 80
    replaces: str = ""


@dataclass
class Lab:
    """One lab. Only `labs/` makes and changes it.

    Attributes:
        id: the runtime's own name for it; 8 hex digits.
        shape: what it was made from.
        uid_base: the server's id of the lab's root.
        user: who terminals log in as, from the image.
        key: the caller's name for it; None while it waits in the pool.
        until: unix seconds at which it ends by itself; None in the pool.
        state: `making`, `ready`, `ending`.
        is_paused: all of it stands still.
        slowed_to: it is held to so much processor time; until this runtime ends, at most.
        address: IPv4 address, or "" without a network.
        pid: the server's pid of its process 1; 0 before it runs.
        started_ticks: that process's start time, so that a pid used again is not taken for it.
        figures_pid: of the lxcfs that shows its own figures, with `figures_ticks`; 0: the server's.
        figures_ticks: when that began.
        figures_why: why it sees the server's though its own were asked for; a sentence.
        boot_id: of the server's kernel that it runs under; no lab outlives that.
        warm: it came from the pool.
        stages_ms: what making it cost, a stage a key.
        starts: how soon it was at its prompt, `prepared` and `cold` (meter.figures.Start).
        told: what the kernel was told of it beside its limits (limits.cgroup.Place.told).
        created_at: unix seconds.
        terminals: as the wire shows them, when the lab was last asked for.
        machine: likewise; None where none was booted.
    """

    id: LabId
    shape: Shape
    uid_base: int
    user: User
    key: str | None = None
    until: float | None = None
    state: State = "making"
    is_paused: bool = False
    slowed_to: float | None = None
    address: str = ""
    pid: int = 0
    started_ticks: int = 0
    boot_id: str = ""
    figures_pid: int = 0
    figures_ticks: int = 0
    figures_why: str = ""
    warm: bool = False
    stages_ms: dict[str, float] = field(default_factory=dict)
    starts: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    terminals: list[dict[str, Any]] = field(default_factory=list)
    machine: dict[str, Any] | None = None

    @property
    def limits(self) -> Limits:
        """What the kernel holds it to now."""
        if self.slowed_to is None:
            return self.shape.limits
        return replace(
            self.shape.limits, cpu_cores=min(self.slowed_to, self.shape.limits.cpu_cores)
        )

    @property
    def hostname(self) -> str:
        """Nothing of the learner: a name that a prompt can show on a projector."""
        return f"lab-{self.id[:6]}"

    @property
    def check_uid(self) -> int:
        """The server's id that checks run under: of this lab's block, but not in its map."""
        return self.uid_base + 65536

    @property
    def machine_uid(self) -> int:
        """The server's id that qemu runs under: likewise."""
        return self.uid_base + 65537

    def as_dict(self) -> dict[str, Any]:
        """The lab as verbs answer it (docs/reference.md)."""
        return {
            "lab": self.id,
            "key": self.key,
            "image": self.shape.image,
            "profile": self.shape.profile,
            "internet": self.shape.internet,
            "own_figures": self.shape.own_figures,
            "in_machine": self.shape.in_machine,
            "figures": "container" if self.figures_pid else "server",
            "figures_why": self.figures_why,
            "limits": asdict(self.shape.limits),
            "until": self.until,
            "address": self.address,
            "hostname": self.hostname,
            "state": self.state,
            "is_paused": self.is_paused,
            "uid_base": self.uid_base,
            "pid": self.pid,
            "warm": self.warm,
            "stages_ms": self.stages_ms,
            "created_at": self.created_at,
            "terminals": self.terminals,
            "machine": self.machine,
        }

    def as_record(self) -> dict[str, Any]:
        """Everything that outlives this runtime, for the state file."""
        record = asdict(self)
        del record["slowed_to"]
        return record

    @classmethod
    def from_record(cls, raw: dict[str, Any]) -> Lab:
        """The lab that `as_record` described.

        Raises:
            TypeError, KeyError: the record is of another version.
        """
        shape = raw.pop("shape")
        shape |= {"limits": Limits(**shape["limits"]), "allowed": tuple(shape.get("allowed", ()))}
        user = User(**raw.pop("user"))
        return cls(
            shape=Shape(**shape),
            user=user,
            **raw,
        )


def save(lab: Lab, folder: Path) -> None:
    """Write a lab's record so that a reader sees the old one or the new one, never half of one.

    It isn't flushed to the disk: after a crash of the server no lab lives, so nobody needs it then.
    """
    new = folder / "lab.json.new"
    new.write_text(json.dumps(lab.as_record()))
    new.replace(folder / "lab.json")


def load(folder: Path) -> Lab | None:
    """The lab recorded in `folder`; None when there is no record that can be read."""
    try:
        return Lab.from_record(json.loads((folder / "lab.json").read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def recorded(labs_path: Path) -> list[Lab]:
    """Every lab of which there is a record: living, being made, or not yet cleared away."""
    folders = labs_path.iterdir() if labs_path.is_dir() else ()
    return [lab for folder in folders if (lab := load(folder)) is not None]


def oldest(labs: Iterable[Lab]) -> dict[str, float]:
    """When the oldest of these labs was made, of each image that one is made from (unix s)."""
    found: dict[str, float] = {}
    for lab in labs:
        made_at = found.get(lab.shape.image, lab.created_at)
        found[lab.shape.image] = min(made_at, lab.created_at)
    return found


def is_id(text: str) -> bool:
    """Whether this can be the name of a lab."""
    return re.fullmatch(r"[0-9a-f]{8}", text) is not None


def machine_group(lab_id: str) -> str:
    """The name of a lab's machine among the cgroups."""
    return f"{lab_id}.m"


def new_id() -> LabId:
    """A name for a lab that nobody can tie to a person."""
    return LabId(os.urandom(4).hex())
