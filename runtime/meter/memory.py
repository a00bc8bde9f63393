"""What processes have in memory, from /proc: PSS, and the parts of a machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KIB = 1024


class Parts(NamedTuple):
    """A hypervisor's memory that can be told apart by its mappings, in bytes.

    Attributes:
        guest: in memory of what the guest was given.
        translation: in memory of the cache of translated code.
    """

    guest: int
    translation: int


def pss(pids: Iterable[int]) -> int | None:
    """The proportional set size of some processes: what they share counts by its sharers.

    The kernel walks every page table for it: 1 ms for a machine of 256 MB.

    Returns:
        Bytes; None where no process could be read.
    """
    found = [size for pid in pids if (size := _pss_of(pid)) is not None]
    return sum(found) if found else None


def parts(pid: int, guest_bytes: int) -> Parts | None:
    """Tell a hypervisor's parts from each other; None where it can't be read.

    The guest's memory is the mapping of exactly its size, less what it shares with a saved machine
    that it went on from; the translated code is what may be both
    written and run, which nothing else in a hypervisor may.

    Args:
        pid: the hypervisor.
        guest_bytes: what the guest was given.
    """
    guest = translation = 0
    try:
        for area in _areas(Path(f"/proc/{pid}/smaps")):
            if area.size == guest_bytes:
                guest += area.own
            elif {"w", "x"} <= set(area.mode):
                translation += area.own
    except OSError:
        return None
    return Parts(guest, translation)


class _Area(NamedTuple):
    size: int
    mode: str
    own: int


def _areas(smaps: Path) -> Iterator[_Area]:
    size, mode = 0, ""
    with smaps.open() as lines:
        for line in lines:
            first, _, rest = line.partition(" ")
            if "-" in first:
                begin, _, end = first.partition("-")
                size, mode = int(end, 16) - int(begin, 16), rest[:4]
            elif first == "Anonymous:":
                yield _Area(size, mode, int(rest.split()[0]) * _KIB)


def _pss_of(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return None
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    return None
