"""What the kernel's own workers spend, who carry what programs write to terminals.

They are threads of the kernel's and in no cgroup: no limit of anybody's holds them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_KTHREADD = 2
_CHILDREN = Path(f"/proc/{_KTHREADD}/task/{_KTHREADD}/children")
_UNBOUND = b"kworker/u"
# The queues of ptys, the second from Linux 6.17 on. A worker names the one that it last worked for.
_QUEUES = (b"events_unbound", b"events_dfl")
_SMALL_BYTES = 64 << 10
_READ = os.O_RDONLY | os.O_CLOEXEC


class _Worker:
    """One of them. Its files, held open, are of this thread, whoever gets its number."""

    def __init__(self, tid: int) -> None:
        self._fds: list[int] = []
        try:
            for name in ("schedstat", "comm"):
                self._fds.append(os.open(f"/proc/{tid}/{name}", _READ))
            self._spent_ns = self._read_spent_ns()
        except OSError:  # it ended in between
            self.close()
            raise

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def spent_ns(self) -> int:
        """Since the last look; 0 where it worked for another queue, as far as can be told."""
        before, self._spent_ns = self._spent_ns, self._read_spent_ns()
        if self._spent_ns == before:
            return 0
        name = os.pread(self._fds[1], _SMALL_BYTES, 0)
        return self._spent_ns - before if any(queue in name for queue in _QUEUES) else 0

    def _read_spent_ns(self) -> int:
        return int(os.pread(self._fds[0], _SMALL_BYTES, 0).split(maxsplit=1)[0])


class Workers:
    """Those that there are now; they come and go with what there is to do."""

    def __init__(self) -> None:
        self._workers: dict[int, _Worker] = {}
        self._others: set[int] = set()

    @staticmethod
    def are_seen() -> bool:
        """Whether they can be: from a pid namespace of its own nobody sees them."""
        try:
            return Path(f"/proc/{_KTHREADD}/comm").read_text() == "kthreadd\n" and bool(_children())
        except OSError:
            return False

    def spent_s(self) -> float:
        """Processor time that they took since this was last asked."""
        there = _children()
        for tid in self._workers.keys() - there:
            self._workers.pop(tid).close()
        self._others &= there
        spent_ns = 0
        for tid in there - self._others:
            try:
                if tid in self._workers:
                    spent_ns += self._workers[tid].spent_ns()
                elif Path(f"/proc/{tid}/comm").read_bytes().startswith(_UNBOUND):
                    self._workers[tid] = _Worker(tid)
                else:
                    self._others.add(tid)
            except OSError:  # it has ended
                with suppress(KeyError):
                    self._workers.pop(tid).close()
        return spent_ns / 1e9

    def close(self) -> None:
        """Let go of them."""
        while self._workers:
            self._workers.popitem()[1].close()


def _children() -> set[int]:
    """All threads of the kernel's, some hundred: listing all that runs would cost far more."""
    return set(map(int, _CHILDREN.read_bytes().split()))
