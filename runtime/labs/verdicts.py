"""Which program the kernel ended for memory, as its log says; a counter alone has no name."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

_KMSG = "/dev/kmsg"
_VERDICT = re.compile(
    r"oom-kill:.*oom_memcg=(\S*),task_memcg=\S*?/([0-9a-f]{8})\b.*,task=(.*),pid=(\d+),uid=\d+"
)
_KILLED = re.compile(r"Killed process (\d+) \(.*\) total-vm:\d+kB, anon-rss:(\d+)kB")
_NAMELESS = "A program"
_RECORD_BYTES = 8192


class Verdict(NamedTuple):
    """One kill.

    Attributes:
        program: as it calls itself; “A program” where the log can't be read.
        took_bytes: what it held of memory of its own; None where that isn't known.
        limit: whose was met: the lab's, one that its learner set within it (`inner`), or that of
            all labs together (`server`).
    """

    program: str = _NAMELESS
    took_bytes: int | None = None
    limit: Literal["lab", "inner", "server"] = "lab"


class Verdicts:
    """Reads the kernel's log from now on; where that isn't allowed, no program has a name.

    Opening it takes a right (SYSLOG) that the daemon then gives away.
    """

    def __init__(self) -> None:
        self._fd: int | None = None
        self._found: dict[str, Verdict] = {}
        self._labs: dict[int, str] = {}
        with suppress(OSError):
            self._fd = os.open(_KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)

    def last_in(self, lab: str) -> Verdict:
        """The last kill in a lab; call it when the counter rose."""
        self._read()
        return self._found.pop(lab, Verdict())

    def close(self) -> None:
        """Read no more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self) -> None:
        while self._fd is not None:
            try:
                record = os.read(self._fd, _RECORD_BYTES).decode(errors="replace")
            except BrokenPipeError:  # the log was faster than we: the next read goes on after it
                continue
            except OSError:  # nothing more
                return
            self.take(record)

    def take(self, record: str) -> None:
        """Read one record: first the kernel says who is ended, then what that one had."""
        if found := parse(record):
            lab, pid, verdict = found
            self._labs = {pid: lab}
            self._found[lab] = verdict
        elif (killed := _KILLED.search(record)) and (lab := self._labs.pop(int(killed[1]), "")):
            took_bytes = int(killed[2]) << 10
            self._found[lab] = self._found[lab]._replace(took_bytes=took_bytes)


def parse(record: str) -> tuple[str, int, Verdict] | None:
    """The lab, the pid and the program of a record about a kill; None for any other.

    A program names itself as it likes, and this name goes to a terminal: only plain letters stay.
    """
    found = _VERDICT.search(record)
    if found is None:
        return None
    limit, lab, name, pid = found.groups()
    return lab, int(pid), Verdict(plain(name), limit=_whose(limit, lab))


def _whose(limit: str, lab: str) -> Literal["lab", "inner", "server"]:
    if limit.endswith(f"/{lab}"):
        return "lab"
    return "inner" if f"/{lab}/" in limit else "server"


def plain(name: str) -> str:
    """A program's name, less whatever could do something to a terminal."""
    letters = "".join(letter for letter in name if letter.isascii() and letter.isprintable())
    return letters or _NAMELESS


def name_of(pid: int) -> str:
    """The name of a program that runs, made plain."""
    with suppress(OSError):
        return plain(Path(f"/proc/{pid}/comm").read_text(errors="replace").strip())
    return _NAMELESS
