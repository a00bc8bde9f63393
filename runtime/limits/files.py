"""Reading and writing what cgroups, and the kernel at large, show as files."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PATIENCE_S = 10.0
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class Mount:
    """One mounted cgroup hierarchy.

    Attributes:
        path: where it is mounted.
        fstype: `cgroup` or `cgroup2`.
        options: of the file system; on v1 they name the controllers.
    """

    path: Path
    fstype: str
    options: frozenset[str]


def cgroup_mounts(mountinfo: Path = Path("/proc/thread-self/mountinfo")) -> list[Mount]:
    """The cgroup hierarchies that the calling thread sees, the last mounted on a path alone."""
    found: dict[Path, Mount] = {}
    for line in mountinfo.read_text().splitlines():
        left, _, right = line.partition(" - ")
        fstype, _, rest = right.partition(" ")
        if fstype in {"cgroup", "cgroup2"}:
            path = Path(left.split()[4])
            found[path] = Mount(path, fstype, frozenset(rest.split()[-1].split(",")))
    return list(found.values())


def read_number(path: Path) -> int | None:
    """A file's number; None where it says `max`, or isn't there."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.lstrip("-").isdigit() else None


def read_table(path: Path) -> dict[str, int]:
    """A file of `name number` lines; empty where it isn't there."""
    found: dict[str, int] = {}
    with suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" ")
            if value.isdigit():
                found[name] = int(value)
    return found


def read_lines(path: Path) -> set[str]:
    """A file's lines, in no order; none where it isn't there."""
    try:
        return set(path.read_text().splitlines())
    except OSError:
        return set()


def those_done(names: Iterable[str], do: Callable[[str], bool]) -> list[str]:
    """Which of them something was done for; one that can't be done holds up no other.

    Raises:
        OSError: of the last one that couldn't, when all were tried.
    """
    done, failure = [], None
    for name in names:
        try:
            if do(name):
                done.append(name)
        except OSError as error:
            failure = error
    if failure:
        raise failure
    return done


def pids_below(group: Path) -> set[int]:
    """Every process in a cgroup and in those below it."""
    found: set[int] = set()
    for folder, _, _ in os.walk(group):  # unlike rglob it passes over what goes away meanwhile
        with suppress(OSError):
            found.update(int(line) for line in Path(folder, "cgroup.procs").read_text().split())
    return found


def remove_tree(group: Path) -> None:
    """Remove a cgroup and those below it, waiting for the last process to be reaped."""
    if not group.is_dir():
        return
    for below in sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True):
        _remove_one(below)
    _remove_one(group)


def wait_until(is_so: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S) -> None:
    """Wait for a condition, looking again at growing pauses.

    Raises:
        TimeoutError: it did not come true.
    """
    deadline = time.monotonic() + patience_s
    pause = 0.001
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} after {patience_s} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _remove_one(group: Path) -> None:
    def is_gone() -> bool:
        try:
            group.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # EBUSY until the last process is reaped
            return False
        return True

    wait_until(is_gone, f"{group} is still in use")


def meminfo(name: str) -> int:
    """A line of the machine's memory, such as `MemAvailable`, in bytes; 0 where there is none."""
    for line in _MEMINFO.read_text().splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0]) << 10
    return 0
