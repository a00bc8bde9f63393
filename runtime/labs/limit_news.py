"""A limit that is met, in plain words: which program, what it took, how much there is.

Everything is read from the kernel: its counters say that a limit was met, its log and /proc who met
it. For a full disk it has no counter, so the file system is asked: often, while it fills.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog

from runtime.labs import usage
from runtime.labs.verdicts import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.events import Events
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.labs.verdicts import Verdicts
    from runtime.limits.amounts import Hits

log = structlog.get_logger()

QUIET_S = 10.0  # a program that forks in a loop meets the limit a thousand times a second
_CPU_QUIET_S = 600.0  # slower isn't ended: to say it once is enough
_CPU_LOOKS = 5  # so many looks in a row in which it was held back
_CPU_PERIODS = 5  # of the ten that a second has
_FLOOD_BYTES = 1 << 20  # who wrote less is not who floods
_FULL_BYTES = 1 << 20
_FULL_INODES = 8
_FILLING = 0.05  # a disk that filled by this share since the last look is looked at more often
_FILLS_S = 2.0


class News(NamedTuple):
    """What is said of a limit: two lines in the terminal, one sentence on the page."""

    limit: str
    what: str
    then: str


@dataclass
class _Record:
    """What was seen of one lab.

    Attributes:
        hits: the kernel's counters at the last look.
        held_back: looks in a row at which it wanted more processor time than it may have.
        disk_full: how often its disk became full.
        is_full: it is now.
        left_bytes: of the disk, at the last look.
        fills_until: while it fills fast, when to believe that it doesn't any more.
    """

    hits: Hits
    held_back: int = 0
    disk_full: int = 0
    is_full: bool = False
    left_bytes: int = 0
    fills_until: float = 0.0


class LimitNews:
    """Looks at labs and tells of limits; each lab's terminals hear it too.

    Args:
        parts: the rooms.
        events: hears `lab.limit`.
        verdicts: tells which program was ended for memory.
    """

    def __init__(self, parts: Parts, events: Events, verdicts: Verdicts) -> None:
        self._parts = parts
        self._events = events
        self._verdicts = verdicts
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._told_at: dict[tuple[str, str], float] = {}

    def add(self, lab: Lab) -> None:
        """What a lab met before this doesn't count."""
        with self._lock:
            self._records[lab.id] = _Record(self._parts.place.hits(lab.id))

    def discard(self, lab: Lab) -> None:
        """Forget a lab."""
        with self._lock:
            self._records.pop(lab.id, None)
            for key in [key for key in self._told_at if key[0] == lab.id]:
                del self._told_at[key]

    def disk_full(self, lab_id: str) -> int:
        """How often a lab's disk was seen to become full."""
        with self._lock:
            record = self._records.get(lab_id)
        return record.disk_full if record else 0

    def look(self, lab: Lab) -> None:
        """Compare the kernel's counters with those of the last look, about a second ago."""
        hits = self._parts.place.hits(lab.id)
        with self._lock:
            record = self._records.get(lab.id)
            if record is None:  # it is being ended
                return
            seen, record.hits = record.hits, hits
        if hits.memory_kills > seen.memory_kills:
            self.tell(lab, self._of_memory(lab))
        if hits.pids_refused > seen.pids_refused:
            self.tell(lab, self._of_pids(lab))
        throttled = hits.cpu_throttled - seen.cpu_throttled
        is_held_back = throttled >= _CPU_PERIODS and lab.slowed_to is None  # which was told already
        record.held_back = record.held_back + 1 if is_held_back else 0
        if record.held_back == _CPU_LOOKS:
            self.tell(lab, self._of_cpu(lab), _CPU_QUIET_S)

    def look_at_disk(self, lab: Lab) -> bool:
        """See whether a lab's disk is full; whether it fills, and is to be looked at soon again."""
        disk = usage.of_disk(lab, self._parts.folder(lab))
        with self._lock:
            record = self._records.get(lab.id)
        if disk is None or record is None:
            return False
        limits = lab.shape.limits
        full = "disk" if disk.left_bytes < _FULL_BYTES else ""
        full = full or ("inodes" if disk.inodes_left < _FULL_INODES else "")
        if full and not record.is_full:
            record.disk_full += 1
            self.tell(lab, self._of_disk(lab, full))
        record.is_full = bool(full)
        now = time.monotonic()
        if record.left_bytes - disk.left_bytes > limits.disk_bytes * _FILLING:
            record.fills_until = now + _FILLS_S
        if now >= record.fills_until:
            record.left_bytes = disk.left_bytes
        return now < record.fills_until and not full

    def tell(self, lab: Lab, news: News, quiet_s: float = QUIET_S) -> None:
        """Say it in the lab's terminals and to the web, unless it was said just now."""
        now = time.monotonic()
        with self._lock:
            if now - self._told_at.get((lab.id, news.limit), -quiet_s) < quiet_s:
                return
            self._told_at[lab.id, news.limit] = now
        log.info("lab.limit_met", lab=lab.id, limit=news.limit)
        sentence = f"{news.what} {news.then}".strip()
        self._events.tell("lab.limit", lab=lab.id, limit=news.limit, sentence=sentence)
        self._parts.terminals.notice(lab.id, [line for line in (news.what, news.then) if line])

    def tell_of_flood(self, lab: Lab) -> None:
        """Say that a lab is slowed for what it writes to terminals of its own."""
        program, written = _most(self._programs(lab, _written))
        who = program if written > _FLOOD_BYTES else "Something"
        what = f"{who} floods terminals within your container, so it runs slowly for now."
        news = News("output", what, "End it (Ctrl-C), and all is fast again.")
        self.tell(lab, news, _CPU_QUIET_S)

    def _of_memory(self, lab: Lab) -> News:
        verdict = self._verdicts.last_in(lab.id)
        had = "" if verdict.took_bytes is None else f", it had {_size(verdict.took_bytes)}"
        if verdict.limit == "inner":
            what = f"{verdict.program} was ended: memory limit of a container of yours{had}."
            return News("memory", what, "`docker inspect` shows what it may have.")
        if verdict.limit == "server":
            what = f"{verdict.program} was ended: the server's memory is full{had}."
            return News("memory", what, "Nothing that you did wrong: tell your instructor.")
        what = f"{verdict.program} was ended: memory limit{had}."
        limit = _size(lab.shape.limits.memory_bytes)
        return News("memory", what, f"Your container reached its {limit}. Nothing else stopped.")

    def _of_pids(self, lab: Lab) -> News:
        limits = lab.shape.limits
        what = f"No more processes: your container reached its {limits.pids}"
        program, count = _most(self._programs(lab, lambda folder: _field(folder, "Threads:")))
        # By now most may have ended; who has a few is nobody to name.
        who = f"; {program} has {count} of them." if count > limits.pids // 4 else "."
        return News("pids", what + who, "End some with kill, or close a terminal.")

    def _of_cpu(self, lab: Lab) -> News:
        cores = lab.shape.limits.cpu_cores
        program, _ = _most(self._programs(lab, _ticks))
        what = (
            f"CPU limit: {program} gets {cores:g} core{'' if cores == 1 else 's'} and wants more."
        )
        return News("cpu", what, "It runs on, slower.")

    def _of_disk(self, lab: Lab, full: str) -> News:
        limits = lab.shape.limits
        program, written = _most(self._programs(lab, _written))
        who = f"; {program} wrote {_size(written)}." if written > limits.disk_bytes // 10 else "."
        if full == "disk":
            what = f"Disk full: your container used its {_size(limits.disk_bytes)}{who}"
            return News("disk", what, "`du -sh ~/*` shows what is large.")
        what = f"No more files: your container made its {limits.inodes}."
        return News("inodes", what, "`du --inodes -s ~/*` shows where they are.")

    def _programs(self, lab: Lab, measure: Callable[[Path], int]) -> Counter[str]:
        """What each program of a lab has of something, all of one name together."""
        found: Counter[str] = Counter()
        for pid in self._parts.place.pids(lab.id):
            folder = Path(f"/proc/{pid}")
            with suppress(OSError, ValueError, IndexError):  # it has ended
                found[plain((folder / "comm").read_text().strip())] += measure(folder)
        return found


def of_idleness(idle_s: int, left_s: int) -> News:
    """An unused lab is to give way to somebody in line."""
    what = f"Nobody has used this container for {_time(idle_s)}, and somebody waits for its place."
    return News("idle", what, f"Press a key within {_time(left_s)} and it stays yours.")


def of_figures() -> News:
    """A lab's lxcfs died."""
    what = "What showed your container its own figures has ended; your programs run on."
    return News("figures", what, "`free` and /proc/meminfo show the server's from here on.")


def _time(seconds: int) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds} seconds"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _most(counted: Counter[str]) -> tuple[str, int]:
    return counted.most_common(1)[0] if counted else ("a program", 0)


def _field(folder: Path, name: str) -> int:
    for line in (folder / "status").read_text(errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def _ticks(folder: Path) -> int:
    fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _written(folder: Path) -> int:
    for line in (folder / "io").read_text().splitlines():
        name, _, number = line.partition(": ")
        if name == "wchar":
            return int(number)
    return 0


def _size(count: int) -> str:
    return f"{count >> 20} MB"
