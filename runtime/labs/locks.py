"""Files that programs of labs have locked in very many places.

Each further lock of such a file walks past all that there are, in the kernel, where nothing
interrupts it: keys of others wait for it. No limit bounds them (setrlimit(2): RLIMIT_LOCKS has been
without effect since Linux 2.4).

Source of the lines: proc_locks(5).
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from signal import SIGKILL
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import processes
from runtime.labs.limit_news import News
from runtime.labs.verdicts import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

# The kernel tells of the newest first, and walks past all before them for each page: the first say
# enough. These are some 3,000 to 4,000, of a whole machine, which has some hundred.
_MOST_BYTES = 256 << 10
_OF_ONE = 512  # of these of one file, so that somebody is ended for it
_PATH = "/proc/locks"
_NOBODYS = -1  # such a lock is an open file's, whoever has that
_OFD = b"OFDLCK"
_SMALL_BYTES = 4096
_READ = os.O_RDONLY | os.O_CLOEXEC


class LockWatch:
    """Ends who has locked a file in too many places.

    Args:
        place: the labs' cgroups.
        tell: says something in a lab's terminals and to the web.
    """

    def __init__(self, place: Place, tell: Callable[[Lab, News], None]) -> None:
        self._place = place
        self._tell = tell

    def look(self, labs: list[Lab]) -> None:
        """Look once; costs what a few hundred lines take to be read."""
        by_file: dict[bytes, list[int]] = defaultdict(list)
        for words in _newest_of_many():
            by_file[words[-3]].append(int(words[-4]))
        file, pids = max(by_file.items(), key=lambda entry: len(entry[1]), default=(b"", []))
        if len(pids) < _OF_ONE:
            return
        for lab in labs:
            own = self._place.pids(lab.id)
            ended = own.intersection(pids)
            if _NOBODYS in pids:
                ended |= {pid for pid in own if _has_locked(pid, file)}
            if ended:
                self._end(lab, ended, len(pids))

    def _end(self, lab: Lab, pids: set[int], count: int) -> None:
        program = name_of(min(pids))
        for pid in pids:
            processes.signal_member(pid, lab.id, SIGKILL)
        log.warning("labs.locks_ended", lab=lab.id, seen=count)
        if lab.state != "ending":
            what = f"{program} was ended: it had locked one file in thousands of places."
            self._tell(lab, News("locks", what, "Each further lock of it held up everybody."))


def _newest_of_many() -> list[list[bytes]]:
    """The words of the newest locks, where there are many; those that are waited for are none."""
    found, size = [], 0
    fd = os.open(_PATH, _READ)
    try:
        while size < _MOST_BYTES and (part := os.read(fd, _MOST_BYTES)):
            found.append(part)
            size += len(part)
    finally:
        os.close(fd)
    if size < _MOST_BYTES:
        return []
    lines = (line.split() for line in b"".join(found).splitlines())
    return [words for words in lines if len(words) == 8]


def _has_locked(pid: int, file: bytes) -> bool:
    """Whether a process has a file open by which that file is locked."""
    return any(_OFD in said and b" %b " % file in said for said in _said_of_files(pid))


def _said_of_files(pid: int) -> Iterator[bytes]:
    """The beginning of what the kernel says of each file that a process has open."""
    with suppress(OSError):  # it has ended
        for folder in processes.descriptor_folders(pid):
            for name in os.listdir(f"{folder}info"):  # noqa: PTH208 - a Path for each of many
                with suppress(OSError):  # closed in between
                    yield _beginning(f"{folder}info/{name}")


def _beginning(path: str) -> bytes:
    fd = os.open(path, _READ)
    try:
        return os.read(fd, _SMALL_BYTES)
    finally:
        os.close(fd)
