"""What a lab's sockets hold that nobody reads, where the kernel charges it to no cgroup.

Answers of netlink and of ping wait in the server's own memory, and a program asks for gigabytes of
them in a second. No limit of the kernel's bounds that, so somebody looks, fifty times a second; one
look at a lab that has few sockets costs some three microseconds.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING, NamedTuple

import structlog

from runtime.container import bundle
from runtime.kernel import processes
from runtime.kernel.netns import opened_in
from runtime.labs.limit_news import News
from runtime.labs.verdicts import plain
from runtime.limits import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.container.profile import Unread
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

_LOOK_S = 0.02
_LOOK_EACH_S = 0.0005  # so that many labs cost no more: a hundredth of a processor
_NOBODY_S = 0.2  # while no lab lives: the first one is set up for longer than that
_NETWORKS_LOOK_S = 0.2  # for networks that a lab made; at once where memory goes
_GONE_BYTES = 32 << 20  # of the server's memory from one look to the next
_KINDS_LOOK_S = 0.1  # what kind its sockets are of, as long as their number stays
_GOES_ON_S = 2.0  # far more than the end of a program takes that is held to its processor time
_FEW = 8  # sockets that may hold what they can
_KINDS = frozenset({b"NETLINK", b"PING", b"PINGv6", b"RAW", b"RAWv6"})
# Table and column of what waits to be read; in the second it is hexadecimal, after a colon.
_NETLINK = ("netlink", 4)
_PINGS = (("icmp", 4), ("icmp6", 4), ("raw", 4), ("raw6", 4))
_READ = os.O_RDONLY | os.O_CLOEXEC
_ENDED = (FileNotFoundError, ProcessLookupError)  # what is told of a process that is none any more
_LINES_BYTES = 4096  # what the kernel gives of a table at once, mostly
_TABLE_BYTES = 1 << 20  # a table of thousands: whoever makes it longer while it is read is ended


class Held(NamedTuple):
    """What such sockets of a lab hold."""

    sockets: int = 0
    size: int = 0


class _Network:
    """One network namespace of a lab. Its files, held open, keep it, and cost a tenth to read.

    Args:
        fd: the namespace; stays the caller's.
    """

    def __init__(self, fd: int) -> None:
        self._fds: dict[str, int] = {}
        self._used = 0
        self._sockets = 0
        self._look_at = 0.0
        try:
            opened_in(fd, self._open)
        except OSError:
            self.close()
            raise

    def _open(self) -> None:
        for name in ("sockstat", "protocols", "netlink", *(name for name, _ in _PINGS)):
            with suppress(FileNotFoundError):  # IPv6 that is switched off
                self._fds[name] = os.open(f"/proc/thread-self/net/{name}", _READ)

    def close(self) -> None:
        """Let go of it."""
        while self._fds:
            os.close(self._fds.popitem()[1])

    @property
    def is_used(self) -> bool:
        """Whether any socket was there at the last look."""
        return self._used > 0

    def count(self) -> int:
        """How many sockets there are, of whatever kind."""
        before, self._used = self._used, self._number_of_sockets()
        if self._used != before:
            self._look_at = 0.0
        return self._used

    def forget_kinds(self) -> None:
        """Let the next look tell their kinds anew."""
        self._look_at = 0.0

    def of_kinds(self) -> int:
        """How many of those that were counted may hold what nobody is charged for."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _KINDS_LOOK_S
            self._sockets = self._number_of_kinds() if self._used else 0
        return self._sockets

    def size(self) -> int:
        """What waits to be read in them, in bytes."""
        size = sum(int(row[_NETLINK[1]]) for row in self._rows(_NETLINK[0]))
        for name, column in _PINGS:
            size += sum(int(row[column].partition(b":")[2], 16) for row in self._rows(name))
        return size

    def _number_of_sockets(self) -> int:
        first = os.pread(self._fds["sockstat"], _LINES_BYTES, 0).split(maxsplit=3)
        return int(first[2])  # "sockets: used N"

    def _number_of_kinds(self) -> int:
        return sum(int(row[2]) for row in self._rows("protocols") if row[0] in _KINDS)

    def _rows(self, name: str) -> list[list[bytes]]:
        fd = self._fds.get(name)
        lines = table(fd).splitlines()[1:] if fd is not None else []
        return [line.split() for line in lines]


class _Watched:
    """A lab, and its networks by the number of their namespace."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        profile = bundle.load_profile(lab.shape.profile)
        self.most = profile.unread
        self.makes_networks = "net" in profile.namespaces
        self.networks: dict[int, _Network] = {}
        self.look_at = 0.0
        self.over_since: float | None = None
        self.ended: set[int] = set()

    def close(self) -> None:
        while self.networks:
            self.networks.popitem()[1].close()

    def is_over(self, held: Held) -> bool:
        """Whether that is more than it may have."""
        return held.sockets > self.most.sockets or held.size > self.most.size

    def held(self, *, anew: bool = False) -> Held:
        """What is held in all of them; of more sockets than there may be only how many they are.

        Args:
            anew: their kinds, too, are those of this moment.
        """
        networks = self.networks.values()
        if anew:
            for network in networks:
                network.forget_kinds()
        if sum([network.count() for network in networks]) < _FEW:
            return Held()
        sockets = sum(network.of_kinds() for network in networks)
        if sockets < _FEW:
            return Held()
        if sockets > self.most.sockets:
            return Held(sockets)
        return Held(sockets, sum(network.size() for network in networks if network.of_kinds()))

    def find(self, place: Place) -> OSError | None:
        """The networks that its threads are in; one that nobody is in stays while it is used.

        Returns:
            What kept us from one of them, such as too many open files; the others are there.
        """
        failure = None
        seen = set()
        ours = _number(os.getpid())  # where a helper of the server's is, before it enters the lab
        tids = [] if self.networks else [self.lab.pid]
        if self.makes_networks:  # each thread may have one of its own
            tids += [tid for pid in place.pids(self.lab.id) for tid in _threads(pid)]
        for tid in tids:
            try:
                number = _number(tid)
                seen.add(number)
                if number not in self.networks and number != ours:
                    seen.add(self._keep(tid, ours))
            except _ENDED:
                continue
            except OSError as error:
                failure = error
        for number in [n for n, each in self.networks.items() if n not in seen]:
            if not self.networks[number].is_used:
                self.networks.pop(number).close()
        return failure

    def _keep(self, tid: int, ours: int) -> int:
        """Keep a thread's network; its number, another than before where it has just moved."""
        fd = os.open(f"/proc/{tid}/ns/net", _READ)
        try:
            number = os.fstat(fd).st_ino
            if number not in self.networks and number != ours:
                self.networks[number] = _Network(fd)
        finally:
            os.close(fd)
        return number


class UnreadWatch:
    """A thread that looks at all labs, and ends the programs that hold too much.

    Args:
        place: the labs' cgroups.
        tell: says something in a lab's terminals and to the web.
    """

    def __init__(self, place: Place, tell: Callable[[Lab, News], None]) -> None:
        self._place = place
        self._tell = tell
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._failed: set[str] = set()  # labs of which it is said
        self._free_bytes = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unread", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, lab: Lab) -> None:
        """Look at a lab that runs; one that ends already was discarded, or is soon."""
        watched = _Watched(lab)
        with self._lock:
            if lab.state != "ending":
                self._watched[lab.id] = watched

    def discard(self, lab: Lab) -> None:
        """Look at a lab no more; its networks are let go."""
        with self._lock:
            if watched := self._watched.pop(lab.id, None):
                watched.close()
            self._failed.discard(lab.id)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s()):
            self._look_at_all(is_urgent=self._is_urgent())

    def _is_urgent(self) -> bool:
        try:
            before, self._free_bytes = self._free_bytes, files.meminfo("MemAvailable")
        except OSError:  # no more files may be opened
            return False
        return before - self._free_bytes > _GONE_BYTES

    def _look_at_all(self, *, is_urgent: bool) -> None:
        for lab_id in list(self._watched):
            try:
                self._look_at(lab_id, is_urgent=is_urgent)
                self._failed.discard(lab_id)
            except (OSError, ValueError, LookupError):  # one that is odd hides no other
                if lab_id not in self._failed:
                    log.exception("labs.unread_failed", lab=lab_id)
                self._failed.add(lab_id)

    def _pause_s(self) -> float:
        if not self._watched:
            return _NOBODY_S
        return max(_LOOK_S, len(self._watched) * _LOOK_EACH_S)

    def _look_at(self, lab_id: str, *, is_urgent: bool) -> None:
        with self._lock:  # for one lab at a time: who ends another waits for this look only
            watched = self._watched.get(lab_id)
            if watched is None:
                return
            failure = None
            now = time.monotonic()
            if not watched.networks or (
                watched.makes_networks and (is_urgent or now >= watched.look_at)
            ):
                watched.look_at = now + _NETWORKS_LOOK_S
                failure = watched.find(self._place)
            news = self._look(watched, now)
        if news and watched.lab.state != "ending":
            self._tell(watched.lab, news)
        if failure:
            raise failure

    def _look(self, watched: _Watched, now: float) -> News | None:
        if not watched.is_over(watched.held()):
            watched.over_since = None
            watched.ended.clear()
            return None
        news = self._end_holders(watched)
        watched.over_since = watched.over_since or now
        if now - watched.over_since > _GOES_ON_S and not watched.lab.is_paused:
            # They fork faster than they are listed. With process 1 the kernel ends all of them.
            watched.over_since = now
            log.warning("labs.unread_goes_on", lab=watched.lab.id)
            processes.signal_member(watched.lab.pid, watched.lab.id, SIGKILL)
        return news

    def _end_holders(self, watched: _Watched) -> News | None:
        """End whoever has most of them, and whoever has half as many.

        None while those of before let go of what they held: nobody sees it in them any more, so
        others would be taken for the holders. Who isn't listed any more has let go.
        """
        lab, pids = watched.lab, self._place.pids(watched.lab.id)
        held = watched.held(anew=True)
        if watched.ended & pids or not watched.is_over(held):
            return None
        found = {pid: _sockets_of(pid) for pid in pids}
        most = max(map(len, found.values()), default=0)
        if len(set().union(*found.values())) < held.sockets // 2:
            # They are under way, from one to another, or in a table that a thread has for itself.
            name, ended = "Something", self._place.pids(lab.id) - {lab.pid} or {lab.pid}
        else:
            name = _name(next(pid for pid, own in found.items() if len(own) == most))
            ended = {pid for pid, own in found.items() if len(own) * 2 >= most}
        for pid in ended:
            processes.signal_member(pid, lab.id, SIGKILL)
        watched.ended |= ended
        return _said(name, held, watched.most)


def _said(program: str, held: Held, most: Unread) -> News:
    what = f"{program} was ended: {held.sockets} sockets (netlink, ping)"
    if held.sockets <= most.sockets:
        what += f" held {held.size >> 20} MB that nobody read"
    then = f"Your container may have {most.sockets} of them, with {most.size >> 20} MB to be read."
    return News("sockets", f"{what}.", then)


def table(fd: int) -> bytes:
    """A table of the kernel's, which gives a page of it at once, however much is asked for."""
    parts, at = [], 0
    while at < _TABLE_BYTES and (part := os.pread(fd, _TABLE_BYTES, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


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
                if name.startswith("socket:") and _kind(f"{folder}/{fd}") in _KINDS:
                    found.add(name)
    return found


def _kind(path: str) -> bytes:
    return os.getxattr(path, "system.sockprotoname").rstrip(b"\0")


def _threads(pid: int) -> list[int]:
    with suppress(OSError):  # it has ended
        return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - as above
    return []


def _name(pid: int) -> str:
    with suppress(OSError):
        return plain(Path(f"/proc/{pid}/comm").read_text(errors="replace").strip())
    return "A program"


def _number(pid: int) -> int:
    return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - many times a second
