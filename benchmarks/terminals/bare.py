"""No server at all: a loop that reads a shell's pty and throws away what it read.

What `cat` prints goes through the kernel in pieces of 4 KiB at most, from the program to a worker
of the kernel and from there to whoever reads. How fast that alone is on this machine says how much
of a server's figure is the server's.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Self

from benchmarks.terminals.client import DONE, MIB, QUIET_S, cat
from benchmarks.terminals.shells import start_shell

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES = 4096  # the kernel gives no more at once
_KEPT_BYTES = 64  # of what was read before: the last word may come in two halves


class BareLoop:
    """A shell and its only reader, this process, which goes before the shell as the servers do.

    Attributes:
        name: as the figures have it.
    """

    name = "bare loop"

    def __enter__(self) -> Self:
        self._pid, self._fd = start_shell()
        self._settle()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def throughput(self, path: Path) -> float:
        """MiB a second of one `cat`, from the key to its last byte."""
        started = time.perf_counter()
        os.write(self._fd, cat(path))
        read_until(DONE, self._fd)
        ended = time.perf_counter()
        self._settle()
        return path.stat().st_size / MIB / (ended - started)

    def _settle(self) -> None:
        """Take what comes until nothing does."""
        while select.select([self._fd], [], [], QUIET_S)[0]:
            os.read(self._fd, _READ_BYTES)


def read_until(word: bytes, fd: int) -> None:
    """Throw away what comes, until `word` is near its end."""
    buffer = bytearray(_KEPT_BYTES + _READ_BYTES)
    into = [memoryview(buffer)[_KEPT_BYTES:]]
    count = 0
    while buffer.find(word, count, count + _KEPT_BYTES) < 0:
        buffer[:_KEPT_BYTES] = buffer[count : count + _KEPT_BYTES]
        count = os.readv(fd, into)
