"""What processes have in memory, from /proc: PSS, and the parts of a machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_KIB = 1024
# An area's first line, and how much of it is this process's alone; read so, it costs a third.
_AREA = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}).*\n(?:[A-Z].*\n)*?Anonymous: +(\d+) kB$", re.MULTILINE
)


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
        text = Path(f"/proc/{pid}/smaps").read_bytes()
    except OSError:
        return None
    for begin, end, mode, kilobytes in _AREA.findall(text):
        if int(end, 16) - int(begin, 16) == guest_bytes:
            guest += int(kilobytes) * _KIB
        elif b"w" in mode and b"x" in mode:
            translation += int(kilobytes) * _KIB
    return Parts(guest, translation)


def _pss_of(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:  # it has ended
        return None
    _, found, rest = text.partition(b"\nPss:")
    return int(rest.split(maxsplit=1)[0]) * _KIB if found else None
