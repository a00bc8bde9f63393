"""The greatest class that a machine carries, reckoned from one that was played on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from runtime.limits import disk, files

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.limits.amounts import Limits

# What a class is promised (docs/operating.md): to be in within a minute, and keys not three times
# slower than one learner's alone.
JOIN_MOST_S = 60.0
KEYS_MOST = 3.0
BUSY_MOST = 0.9
"""Of the processors, from which on people wait for each other."""
_LEAST_DISK_BYTES = 32 << 20
_LEAST_EACH_BYTES = 1 << 20


@dataclass(frozen=True)
class Room:
    """What a machine has left for labs beside its reserve, in bytes."""

    memory_bytes: int
    disk_bytes: int

    @classmethod
    def left(cls, path: Path, reserve_percent: int) -> Self:
        """As it is now.

        Args:
            path: on the file system of the labs' disks.
            reserve_percent: the share of both that labs never get.
        """
        stat = os.statvfs(path)
        kept = stat.f_blocks * stat.f_frsize * reserve_percent // 100
        memory = files.meminfo("MemTotal") * reserve_percent // 100
        return cls(files.meminfo("MemAvailable") - memory, stat.f_bavail * stat.f_frsize - kept)

    def disk_each_bytes(self, labs: int, limits: Limits) -> int:
        """How large a disk each of so many labs gets: the usual one, or what fits."""
        fits = disk.files_bytes(self.disk_bytes // labs, limits.inodes) >> 20 << 20
        return max(_LEAST_DISK_BYTES, min(limits.disk_bytes, fits))

    def disks(self, limits: Limits) -> int:
        """For how many labs there is a disk."""
        return max(0, self.disk_bytes) // disk.image_bytes(limits)


def judged(
    seen: dict[str, Any],
    learners: int,
    labs: int,
    rooms: tuple[Room, Room],
    limits: tuple[Limits, Limits],
) -> dict[str, Any]:
    """What was seen, whether that is enough, how far it would go, and what gives out first.

    Args:
        seen: what the play measured.
        learners: how many were to play.
        labs: how many there were in the end.
        rooms: what was left before the first lab, and with all of them there.
        limits: of a usual lab, and of those that were played in, whose disks may be smaller.
    """
    against = seen["keystroke_p99_ms"] / (seen["keystroke_alone_p99_ms"] or 0.01)
    before, after = rooms
    usual, played = limits
    each = max(_LEAST_EACH_BYTES, (before.memory_bytes - after.memory_bytes) // max(1, labs))
    of_server = max(seen["processors_of_server"], 0.001)
    bounds = {
        # The last who comes is let in while all that a lab may use is there.
        "memory": max(0, before.memory_bytes - usual.memory_bytes) // each,
        "disk": before.disks(played),
        "processors": int(
            learners * max(0.0, BUSY_MOST - seen["processors_of_others"]) / of_server
        ),
    }
    missed = {"joining": seen["join_p99_s"] / JOIN_MOST_S, "keys": against / KEYS_MOST}
    missed = {name: times for name, times in missed.items() if times > 1}
    failed = max(learners - seen["joined"], min(len(seen["errors"]), learners))
    if carried := not failed and not missed:  # then so many it does carry, whatever is reckoned
        bounds = {name: max(bound, learners) for name, bound in bounds.items()}
    bounds |= {name: int(learners / times) for name, times in missed.items()}
    bounds |= {"errors": learners - failed} if failed else {}
    first = min(bounds, key=bounds.__getitem__)
    return {
        "learners": learners,
        **seen,
        "keystroke_p99_vs_alone": round(against, 2),
        "memory_each_bytes": each,
        "lab_disk_bytes": played.disk_bytes,
        "lab_usual_disk_bytes": usual.disk_bytes,
        "greatest_class": bounds[first],
        "greatest_usual_class": min(bounds[first], before.disks(usual)),
        "greatest_by": bounds,
        "limited_by": first,
        "carried": carried,
    }
