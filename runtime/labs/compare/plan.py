"""Each learner's slice of the server, and how many more would fit into it.

Two lines, always: as they idle now, measured, and if each used all it was promised. Admission goes
by the learner's own sum: a machine counts with all it was promised, since its memory, once touched,
stays taken; a container with what it uses, as container engines do by default.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.meter.figures import Start

log = structlog.get_logger()

Kind = Literal["machine", "container"]
KINDS: tuple[Kind, ...] = ("machine", "container")
MOST_EXTRA = 8  # of either kind for one learner: each costs processes and a link, not memory alone
_KEPT = 0.1  # of the slice, as a careful administrator keeps some
_MIB = 1 << 20
# Beside the machines that fit: room for the containers that start once one more was refused.
_BESIDE_BYTES = 128 * _MIB
_LEAST_BESIDE_BYTES = 32 * _MIB
_NAMES = {"machine": "VM", "container": "container"}


@dataclass(frozen=True)
class Cost:
    """What one half or one extra counts with, in bytes.

    Attributes:
        used: measured now; None where it isn't known.
        promised: all it may have.
        is_up: it is at its prompt, so what it uses says what another one would.
    """

    used: int | None
    promised: int
    is_up: bool = True


class Extra(Protocol):
    """One more machine or container of a learner's, that no page shows."""

    start: Start | None

    def cost(self) -> Cost:
        """What it counts with."""

    def failure(self) -> str:
        """Why it is no more, in a sentence; empty while it is."""

    def end(self) -> None:
        """End it; nothing of it is left."""


@dataclass
class _Mine:
    """What one lab has asked for beyond itself."""

    extras: dict[Kind, list[Extra]] = field(
        default_factory=lambda: {"machine": [], "container": []}
    )
    refused: dict[str, Any] | None = None
    after_refusal: int = 0
    is_over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Want:
    """What a lab's plan stands on when it is asked.

    Attributes:
        slice_bytes: of each learner.
        own: what the lab's own halves count with.
        promise: what one more of a kind is promised; None where this lab can have none.
        make: starts one more of a kind.
    """

    slice_bytes: int
    own: dict[Kind, list[Cost]]
    promise: dict[Kind, int | None]
    make: Callable[[Kind], Extra]

    @property
    def kept_bytes(self) -> int:
        """Of the slice, kept free; more where the last machine would leave no container room."""
        kept = round(self.slice_bytes * _KEPT)
        machine = self.promise["machine"]
        if machine is None:
            return kept
        fit, over = divmod(self.slice_bytes - kept, machine)
        return kept + over + 1 if fit > 1 and over < _LEAST_BESIDE_BYTES else kept

    @property
    def room_bytes(self) -> int:
        """Of the slice, to be taken."""
        return self.slice_bytes - self.kept_bytes


def least_slice(machine_bytes: int) -> int:
    """However small the server: a learner's one machine, and room for containers beside it.

    Args:
        machine_bytes: what a machine is promised.
    """
    return round((machine_bytes + _BESIDE_BYTES) / (1 - _KEPT))


class Plans:
    """The plans of all labs; safe from any thread.

    Args:
        free_bytes: what the whole server can still promise, whoever's slice it is.
    """

    def __init__(self, free_bytes: Callable[[], int]) -> None:
        self._free_bytes = free_bytes
        self._labs: defaultdict[str, _Mine] = defaultdict(_Mine)

    def read(self, lab_id: str, want: Want) -> dict[str, Any]:
        """The plan, as `plan.read` answers it."""
        mine = self._labs[lab_id]
        with mine.lock:
            return self._answer(mine, want)

    def glance(self, lab_id: str, want: Want) -> dict[str, Any] | None:
        """The same; None while one more is started or ended, which others needn't wait for."""
        mine = self._labs[lab_id]
        if not mine.lock.acquire(blocking=False):
            return None
        try:
            return self._answer(mine, want)
        finally:
            mine.lock.release()

    def more(self, lab_id: str, kind: Kind, want: Want) -> dict[str, Any]:
        """Start one more, or say what kept it from being started; the plan after it."""
        mine = self._labs[lab_id]
        with mine.lock:
            mine.refused = mine.refused if kind == "container" else None
            refusal = self._refusal(mine, kind, want) or self._start(mine, kind, want)
            if refusal is not None:
                mine.refused, mine.after_refusal = refusal, 0
            elif kind == "container" and mine.refused is not None:
                mine.after_refusal += 1
            return self._answer(mine, want)

    def less(self, lab_id: str, want: Want) -> dict[str, Any]:
        """End all that is extra; the plan after it."""
        mine = self._labs[lab_id]
        with mine.lock:
            _end_all(mine)
            mine.refused, mine.after_refusal = None, 0
            return self._answer(mine, want)

    def forget(self, lab_id: str) -> None:
        """A lab ends, and what is extra with it."""
        mine = self._labs.pop(lab_id, None)
        if mine is not None:
            with mine.lock:
                mine.is_over = True
                _end_all(mine)

    def close(self) -> None:
        """End all that is extra, of every lab."""
        for lab_id in list(self._labs):
            self.forget(lab_id)

    @staticmethod
    def _start(mine: _Mine, kind: Kind, want: Want) -> dict[str, Any] | None:
        """Start one more; why the server as a whole refused, where it did."""
        if mine.is_over:
            return None
        try:
            mine.extras[kind].append(want.make(kind))
        except Problem as problem:
            if problem.code != "server-full":
                raise
            what, needs, left = (problem.facts.get(name) for name in ("what", "needs", "left"))
            return _refused(kind, str(what), problem.sentence, needs, left)
        return None

    def _refusal(self, mine: _Mine, kind: Kind, want: Want) -> dict[str, Any] | None:
        """Why one more can't be started; None when it can."""
        name = _NAMES[kind]
        if len(mine.extras[kind]) >= MOST_EXTRA:
            sentence = f"You have {MOST_EXTRA} more of these already, as many as one learner may."
            return _refused(kind, "workshop", sentence, None, None)
        costs = self._costs(mine, want)
        needs = _counted(kind, costs, want)
        if needs is None:
            return _refused(kind, "workshop", f"This lab can have no other {name}.", None, None)
        used = sum(cost.promised for cost in costs["machine"])
        used += sum(cost.used or 0 for cost in costs["container"])
        free = max(want.room_bytes - used, 0)
        if needs > free:
            sentence = (
                f"Not enough resources for another {name}: one needs {_mb(needs)}, {_mb(free)} are "
                f"free. Counted is memory: of your slice of {_mb(want.slice_bytes)}, "
                f"{_mb(want.kept_bytes)} are kept free and {_mb(used)} are taken."
            )
            each = _average(costs["container"])
            if kind == "machine" and each is not None:
                sentence += f" A container needs {_mb(each)}."
            return _refused(kind, "memory", sentence, needs, free)
        left = self._free_bytes()
        if needs > left:
            sentence = f"Not enough resources for another {name}: the server has {_mb(left)} left."
            return _refused(kind, "memory", sentence, needs, left)
        return None

    def _answer(self, mine: _Mine, want: Want) -> dict[str, Any]:
        self._bury(mine)
        costs = self._costs(mine, want)
        started = [extra.start for extra in mine.extras["container"] if extra.start is not None]
        return {
            "at": time.time(),
            "slice_bytes": want.slice_bytes,
            "kept_bytes": want.kept_bytes,
            "lines": {
                "idle": _line(
                    want.room_bytes,
                    {kind: [cost.used for cost in costs[kind]] for kind in KINDS},
                    {kind: _average(costs[kind]) for kind in KINDS},
                ),
                "promised": _line(
                    want.room_bytes,
                    {kind: [cost.promised for cost in costs[kind]] for kind in KINDS},
                    want.promise,
                ),
            },
            "mine": {
                "machines": len(costs["machine"]),
                "containers": len(costs["container"]),
                "container_start": asdict(started[-1]) if started else None,
            },
            "refused": mine.refused,
            "after_refusal": mine.after_refusal,
        }

    def _bury(self, mine: _Mine) -> None:
        """Let go of machines that came to nothing: one that never booted was refused, too late."""
        for kind, extras in mine.extras.items():
            for extra in [each for each in extras if each.failure()]:
                mine.refused = _refused(kind, "memory", extra.failure(), None, None)
                extras.remove(extra)
                _end(extra)

    @staticmethod
    def _costs(mine: _Mine, want: Want) -> dict[Kind, list[Cost]]:
        return {
            kind: [*want.own[kind], *(extra.cost() for extra in mine.extras[kind])]
            for kind in KINDS
        }


def _line(
    room: int, used: dict[Kind, list[int | None]], each: dict[Kind, int | None]
) -> dict[str, Any]:
    sums = {f"{kind}s": sum(size or 0 for size in used[kind]) for kind in KINDS}
    free = max(room - sum(sums.values()), 0)
    more = {kind: free // size if (size := each[kind]) else None for kind in KINDS}
    return {
        "used_bytes": sums,
        "free_bytes": free,
        **{kind: {"each_bytes": each[kind], "more": more[kind]} for kind in KINDS},
    }


def _counted(kind: Kind, costs: dict[Kind, list[Cost]], want: Want) -> int | None:
    """What one more of a kind needs by the rule of its kind; None where there can be none."""
    if want.promise[kind] is None or kind == "machine":
        return want.promise[kind]
    return _average(costs["container"]) or 0


def _refused(
    kind: Kind, counted: str, sentence: str, needs: object, free: object
) -> dict[str, Any]:
    return {
        "kind": kind,
        "sentence": sentence,
        "counted": counted,
        "needs_bytes": needs,
        "free_bytes": free,
        "at": time.time(),
    }


def _end_all(mine: _Mine) -> None:
    for extras in mine.extras.values():
        while extras:
            _end(extras.pop())


def _end(extra: Extra) -> None:
    try:
        extra.end()
    except (OSError, Problem, ProgramFailed):
        log.exception("plan.extra_stays")


def _average(costs: Sequence[Cost]) -> int | None:
    known = [cost.used for cost in costs if cost.used is not None and cost.is_up]
    return sum(known) // len(known) if known else None


def _mb(size: int) -> str:
    # Ten kilobytes matter to a container, not to a machine.
    megabytes = size / _MIB
    return f"{megabytes:.1f} MB" if 0 < megabytes < 10 else f"{megabytes:.0f} MB"
