"""Which program the kernel ended for memory, as its log says; a counter alone has no name."""

from __future__ import annotations

import os
import re
from contextlib import suppress

_KMSG = "/dev/kmsg"
_KILL = re.compile(r"oom-kill:.*oom_memcg=\S*/([0-9a-f]{8})\b.*,task=(.*),pid=\d+,uid=\d+")
_NAMELESS = "A program"
_RECORD_BYTES = 8192


class Verdicts:
    """Reads the kernel's log from now on; where that isn't allowed, no program has a name."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._programs: dict[str, str] = {}
        with suppress(OSError):
            self._fd = os.open(_KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)

    def killed_in(self, lab: str) -> str:
        """The name of the program that was killed last in a lab; call it when the counter rose."""
        self._read()
        return self._programs.pop(lab, _NAMELESS)

    def close(self) -> None:
        """Read no more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self) -> None:
        while self._fd is not None:
            try:
                record = os.read(self._fd, _RECORD_BYTES)
            except BrokenPipeError:  # the log was faster than we: the next read goes on after it
                continue
            except OSError:  # nothing more
                return
            found = parse(record.decode(errors="replace"))
            if found is not None:
                lab, program = found
                self._programs[lab] = program


def parse(record: str) -> tuple[str, str] | None:
    """The lab and the program of a record about a kill; None for any other.

    A program names itself as it likes, and this name goes to a terminal: only plain letters stay.
    """
    found = _KILL.search(record)
    if found is None:
        return None
    plain = "".join(letter for letter in found[2] if letter.isascii() and letter.isprintable())
    return found[1], plain or _NAMELESS
