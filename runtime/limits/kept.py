"""The files of cgroups that are read every second, held open: reading one costs a fifth then."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from runtime.limits import files

_MOST = 1024  # of some hundred labs that are looked at; the daemon may have more descriptors
_SMALL_BYTES = 16 << 10
_MANY = 1024  # more may not have fitted
_READ = os.O_RDONLY | os.O_CLOEXEC


class KeptFiles:
    """Reads small files again and again; safe from any thread.

    Those of a cgroup that has been removed fail to be read from then on, and go; one that was made
    anew under the same name is opened anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fds: OrderedDict[str, int] = OrderedDict()

    def read(self, path: str) -> bytes | None:
        """A file's text; None where there is none, or it can't be read.

        Args:
            path: as text, which a Path would take longer to make than the kernel to read.
        """
        with self._lock:
            fd = self._fds.get(path)
            if fd is not None:
                try:
                    found = os.pread(fd, _SMALL_BYTES, 0)
                    self._fds.move_to_end(path)
                    return found
                except OSError:  # ENODEV: its cgroup went away
                    os.close(self._fds.pop(path))
            return self._open(path)

    def pids(self, group: str) -> frozenset[int]:
        """Every process in a cgroup and in those below it, where there are any."""
        found = (self.read(f"{group}/cgroup.procs") or b"").split()
        with suppress(OSError):
            if len(found) > _MANY or os.stat(group).st_nlink > 2:  # noqa: PTH116 - a Path costs as much as the call
                return frozenset(files.pids_below(Path(group)))
        return frozenset(map(int, found))

    def drop(self, folder: str) -> None:
        """Let go of the files in a folder, which is being removed."""
        with self._lock:
            for path in [path for path in self._fds if path.startswith(f"{folder}/")]:
                os.close(self._fds.pop(path))

    def _open(self, path: str) -> bytes | None:
        try:
            fd = os.open(path, _READ)
        except OSError:
            return None
        self._fds[path] = fd
        if len(self._fds) > _MOST:
            os.close(self._fds.popitem(last=False)[1])
        try:
            return os.pread(fd, _SMALL_BYTES, 0)
        except OSError:
            return None


def number_in(text: bytes | None) -> int | None:
    """The number that a file holds; None for no file, and for `max`."""
    return int(text) if text is not None and text.strip().isdigit() else None


def sum_in(text: bytes | None, *names: bytes) -> int | None:
    """The sum of some lines of a `name number` file; None where one of them is missing."""
    total, text = 0, b"\n" + (text or b"")
    for name in names:
        _, found, rest = text.partition(b"\n" + name + b" ")
        if not found:
            return None
        total += int(rest[: rest.find(b"\n")])
    return total


def pressure_in(text: bytes | None) -> float | None:
    """`some avg10` of a pressure file (PSI), in percent."""
    words = (text or b"").split(maxsplit=2)
    return float(words[1].removeprefix(b"avg10=")) if words[:1] == [b"some"] else None
