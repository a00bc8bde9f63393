"""What a lab's networks hold, where the kernel charges it to no cgroup.

Answers of netlink and of ping wait in the server's own memory, and a program asks for gigabytes of
them in a second. No limit of the kernel's bounds that, so somebody looks, fifty times a second; one
look at a lab that has few sockets costs some three microseconds. Networks that a lab made are
weighed besides (heavy.py), which takes a hundred times as long, where the server's memory goes.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from signal import SIGKILL
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import processes
from runtime.labs.heavy import Heavy, end_where_it_goes_on
from runtime.labs.left import Left
from runtime.labs.limit_news import News
from runtime.labs.networks import KINDS, Held
from runtime.labs.silence import SilenceWatch
from runtime.labs.verdicts import name_of
from runtime.labs.watched import Watched, WatchedLabs
from runtime.limits import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.container.profile import Unread
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

_LOOK_S = 0.02
_LOOK_EACH_S = 0.0005  # so that many labs cost no more: a hundredth of a processor
_NOBODY_S = 0.2  # while no lab lives: the first one is set up for longer than that
_GONE_BYTES = 32 << 20  # of the server's memory from one look to the next


class UnreadWatch:
    """A thread that looks at all labs, and ends the programs that hold too much.

    Args:
        place: the labs' cgroups.
        tell: says something in a lab's terminals and to the web.
        tunnels: the node of /dev/net/tun.
    """

    def __init__(self, place: Place, tell: Callable[[Lab, News], None], tunnels: Path) -> None:
        self._place = place
        self._labs = WatchedLabs(place, tell)
        self._heavy = Heavy(self._labs)
        self._left = Left(tunnels, self._find_again, _end_all)
        self._silence = SilenceWatch(self._labs, self._heavy)
        self._free_bytes = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unread", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()
        self._left.start()
        self._silence.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._silence.stop()
        self._left.stop()

    def add(self, lab: Lab) -> None:
        """Look at a lab that runs; one that ends already was discarded, or is soon."""
        self._labs.add(Watched(lab, self._place, self._left.remember))

    def discard(self, lab: Lab) -> None:
        """Look at a lab no more; its networks are let go."""
        self._labs.discard(lab.id)
        self._heavy.forget(lab.id)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s()):
            before = self._free_bytes
            with suppress(OSError):  # no more files may be opened
                self._free_bytes = files.meminfo("MemAvailable")
            self._look_at_all(is_urgent=before - self._free_bytes > _GONE_BYTES)
            self._heavy.look(self._free_bytes)

    def _look_at_all(self, *, is_urgent: bool) -> None:
        for lab_id in self._labs.ids():
            with self._labs.alone(lab_id, "sockets"):
                self._look_at(lab_id, is_urgent=is_urgent)

    def _pause_s(self) -> float:
        if not len(self._labs):
            return _NOBODY_S
        return max(_LOOK_S, len(self._labs) * _LOOK_EACH_S)

    def _look_at(self, lab_id: str, *, is_urgent: bool) -> None:
        with self._labs.lock:
            watched = self._labs.get(lab_id)
            if watched is None:
                return
            failure = None
            now = time.monotonic()
            if watched.is_due(now) or (is_urgent and watched.made):
                failure = watched.find()
            news = self._look(watched, now)
        self._labs.tell(watched.lab, news)
        if failure:
            raise failure

    def _find_again(self, lab: Lab, fd: int) -> bool:
        with self._labs.lock:
            watched = self._labs.get(lab.id)
            if watched is None:
                return False
            watched.keep(fd)
        return True

    def _look(self, watched: Watched, now: float) -> News | None:
        if not watched.is_over(watched.held()):
            watched.unread.over()
            return None
        news = self._end_holders(watched)
        end_where_it_goes_on(watched.lab, watched.unread, now)
        return news

    def _end_holders(self, watched: Watched) -> News | None:
        """End whoever has most of them, and whoever has half as many.

        None while those of before let go of what they held: nobody sees it in them any more, so
        others would be taken for the holders. Who isn't listed any more has let go.
        """
        lab, pids = watched.lab, self._place.pids(watched.lab.id)
        held = watched.held(anew=True)
        if watched.unread.ended & pids or not watched.is_over(held):
            return None
        found = {pid: _sockets_of(pid) for pid in pids}
        most = max(map(len, found.values()), default=0)
        if len(set().union(*found.values())) < held.sockets // 2:
            # They are under way, from one to another, or in a table that a thread has for itself.
            name, ended = "Something", self._place.pids(lab.id) - {lab.pid} or {lab.pid}
        else:
            name = name_of(next(pid for pid, own in found.items() if len(own) == most))
            ended = {pid for pid, own in found.items() if len(own) * 2 >= most}
        for pid in ended:
            processes.signal_member(pid, lab.id, SIGKILL)
        watched.unread.ended |= ended
        return _said(name, held, watched.most)


def _end_all(lab: Lab) -> None:
    """With process 1 the kernel ends everything in a lab."""
    log.warning("labs.networks_hidden", lab=lab.id)
    processes.signal_member(lab.pid, lab.id, SIGKILL)


def _said(program: str, held: Held, most: Unread) -> News:
    what = f"{program} was ended: {held.sockets} sockets (netlink, ping)"
    if held.sockets <= most.sockets:
        what += f" held {held.size >> 20} MB that nobody read"
    then = f"Your container may have {most.sockets} of them, with {most.size >> 20} MB to be read."
    return News("sockets", f"{what}.", then)


def _sockets_of(pid: int) -> set[str]:
    """Which such sockets a process has, in whatever network."""
    folder = f"/proc/{pid}/fd"
    found = set()
    with suppress(OSError):
        for fd in os.listdir(folder):  # noqa: PTH208 - a Path for each of a hundred thousand
            with suppress(OSError):
                # Of another file the attribute would be asked of its file system: lxcfs, which may
                # be slow, and by all labs' reading.
                name = os.readlink(f"{folder}/{fd}")  # noqa: PTH115 - as above
                if name.startswith("socket:") and _kind(f"{folder}/{fd}") in KINDS:
                    found.add(name)
    return found


def _kind(path: str) -> bytes:
    return os.getxattr(path, "system.sockprotoname").rstrip(b"\0")
