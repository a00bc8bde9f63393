"""What a lab's networks hold, where the kernel charges it to no cgroup.

Answers of netlink and of ping wait in the server's own memory, and a program asks for gigabytes of
them in a second. No limit of the kernel's bounds that, so somebody looks, fifty times a second; one
look at a lab that has few sockets costs some three microseconds. Networks that a lab made are
weighed besides (weight.py), which takes a hundred times as long, where the server's memory goes.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import structlog

from runtime.container import bundle
from runtime.kernel import processes
from runtime.labs.limit_news import News
from runtime.labs.networks import KINDS, Held, Network
from runtime.labs.verdicts import plain
from runtime.labs.weight import Weight
from runtime.limits import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.container.profile import Made, Unread
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

_LOOK_S = 0.02
_LOOK_EACH_S = 0.0005  # so that many labs cost no more: a hundredth of a processor
_NOBODY_S = 0.2  # while no lab lives: the first one is set up for longer than that
_NETWORKS_LOOK_S = 0.2  # for networks that a lab made; at once where memory goes
_GONE_BYTES = 32 << 20  # of the server's memory from one look to the next
_GOES_ON_S = 2.0  # far more than the end of a program takes that is held to its processor time
_WEIGH_S = 30.0  # all networks of labs' own; sooner where memory or room for neighbours goes
_WEIGH_GONE_BYTES = 64 << 20  # since they were weighed
_WEIGH_NEIGHBOURS = 128  # likewise; their number is asked as often as this
_NEIGHBOURS_S = 0.1
_WEIGH_PAUSE = 50  # times as long as it took
# With so much of the server's memory gone to nobody, whose tunnels may hold most, and so much.
_NOBODYS_BYTES = 512 << 20
_POSSIBLE_BYTES = 256 << 20
_FEW = 8  # sockets that may hold what they can
_READ = os.O_RDONLY | os.O_CLOEXEC
_ENDED = (FileNotFoundError, ProcessLookupError)  # what is told of a process that is none any more


class _Ending:
    """That something of a lab is over its limit, and who was ended for it."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.ended: set[int] = set()

    def over(self) -> None:
        """It is not, or no more."""
        self.since = None
        self.ended.clear()


class _Watched:
    """A lab, and its networks by the number of their namespace."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        profile = bundle.load_profile(lab.shape.profile)
        self.most = profile.unread
        self.made = profile.made
        self.networks: dict[int, Network] = {}
        self.first = 0
        self.look_at = 0.0
        self.unread = _Ending()
        self.heavy = _Ending()

    def close(self) -> None:
        """Let go of them; nothing waits in those that it made."""
        for network in self.own().values():
            with suppress(OSError):
                network.drop()
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

    def drop(self) -> None:
        """Let go what waits in the networks that it made."""
        for network in self.own().values():
            network.drop()

    def own(self) -> dict[int, Network]:
        """The networks that it made."""
        return {number: each for number, each in self.networks.items() if number != self.first}

    def weight(self) -> Weight:
        """What those hold."""
        found = Weight()
        for network in self.own().values():
            found = found.plus(network.weigh())
        return found

    def find(self, place: Place) -> OSError | None:
        """The networks that its threads are in; one that nobody is in stays while it is used.

        Returns:
            What kept us from one of them, such as too many open files; the others are there.
        """
        failure = None
        seen = set()
        ours = _number(os.getpid())  # where a helper of the server's is, before it enters the lab
        tids = [] if self.networks else [self.lab.pid]
        if not self.first:
            with suppress(*_ENDED):
                self.first = _number(self.lab.pid)
        if self.made:  # each thread may have one of its own
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
                self.networks[number] = Network(fd)
        finally:
            os.close(fd)
        return number


class _Pace:
    """When networks of labs' own are weighed: seldom, as long as the server loses nothing."""

    def __init__(self) -> None:
        self._not_before = self._due_at = self._ask_at = 0.0
        self._free_bytes = self._neighbours = 0

    def is_due(self, free_bytes: int) -> bool:
        """Whether it is time."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        self._free_bytes = max(self._free_bytes, free_bytes)
        if self._free_bytes - free_bytes > _WEIGH_GONE_BYTES or now >= self._due_at:
            return True
        if now < self._ask_at:
            return False
        self._ask_at = now + _NEIGHBOURS_S
        neighbours = _neighbours()
        self._neighbours = min(self._neighbours, neighbours)
        return neighbours - self._neighbours > _WEIGH_NEIGHBOURS

    def done(self, began: float, free_bytes: int) -> None:
        """They were weighed."""
        now = time.monotonic()
        self._not_before = now + _WEIGH_PAUSE * (now - began)
        self._due_at = now + _WEIGH_S
        self._free_bytes, self._neighbours = free_bytes, _neighbours()


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
        self._failed: set[tuple[str, str]] = set()  # what of which lab, since it was told
        self._over: set[str] = set()  # whose own networks hold too much
        self._all_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        self._free_bytes, self._usual_bytes = 0, self._all_bytes
        self._pace = _Pace()
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
            watched = self._watched.pop(lab.id, None)
            self._over.discard(lab.id)
            self._failed = {key for key in tuple(self._failed) if key[0] != lab.id}
        if watched:  # nobody else has it now, and links without number go down slowly
            watched.close()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s()):
            before = self._free_bytes
            with suppress(OSError):  # no more files may be opened
                self._free_bytes = files.meminfo("MemAvailable")
            self._look_at_all(is_urgent=before - self._free_bytes > _GONE_BYTES)
            made = [key for key, each in list(self._watched.items()) if each.made]
            if made and self._pace.is_due(self._free_bytes):
                began = time.monotonic()
                self._weigh(made, are_all=True)
                self._pace.done(began, self._free_bytes)
            elif self._over:  # who goes on is not waited for
                self._weigh(list(self._over), are_all=False)

    def _look_at_all(self, *, is_urgent: bool) -> None:
        for lab_id in list(self._watched):
            with self._alone(lab_id):
                self._look_at(lab_id, is_urgent=is_urgent)

    @contextmanager
    def _alone(self, lab_id: str, what: str = "sockets") -> Iterator[None]:
        """A lab that is odd hides no other, and is told of once until it is no more."""
        key = (lab_id, what)
        try:
            yield
        except (OSError, ValueError, LookupError):
            if key not in self._failed:
                log.exception("labs.unread_failed", lab=lab_id, what=what)
            self._failed.add(key)
        else:
            self._failed.discard(key)

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
            if not watched.networks or (watched.made and (is_urgent or now >= watched.look_at)):
                watched.look_at = now + _NETWORKS_LOOK_S
                failure = watched.find(self._place)
            news = self._look(watched, now)
        if news and watched.lab.state != "ending":
            self._tell(watched.lab, news)
        if failure:
            raise failure

    def _look(self, watched: _Watched, now: float) -> News | None:
        if not watched.is_over(watched.held()):
            watched.unread.over()
            return None
        news = self._end_holders(watched)
        _end_where_it_goes_on(watched.lab, watched.unread, now)
        return news

    def _weigh(self, lab_ids: list[str], *, are_all: bool) -> None:
        """Weigh the networks that these labs made, and see to those that are over their limit."""
        weights: dict[str, Weight] = {}
        for lab_id in lab_ids:
            with self._alone(lab_id, "networks"), self._lock:
                if watched := self._watched.get(lab_id):
                    watched.find(self._place)
                    weights[lab_id] = watched.weight()
        fullest = max(weights, key=lambda lab_id: weights[lab_id].possible, default=None)
        most = weights[fullest].possible if fullest is not None else 0
        if self._nobodys(is_usual=are_all and most == 0) < _NOBODYS_BYTES or most < _POSSIBLE_BYTES:
            fullest = None
        for lab_id, weight in weights.items():
            # One at a time: where it was that one, the memory is back before another is looked at.
            size = weight.size + (weight.possible if lab_id == fullest else 0)
            with self._alone(lab_id, "ending"):
                self._judge(lab_id, weight._replace(size=size))

    def _nobodys(self, *, is_usual: bool) -> int:
        """By how much the memory grew that the server uses and no lab is charged for."""
        used = self._all_bytes - self._free_bytes - self._place.usage_of_all().memory_bytes
        self._usual_bytes = used if is_usual else min(used, self._usual_bytes)
        return used - self._usual_bytes

    def _judge(self, lab_id: str, weight: Weight) -> None:
        news = None
        with self._lock:
            watched = self._watched.get(lab_id)
            if watched is None or watched.made is None:
                return
            most = watched.made
            if weight.size > most.size or weight.neighbours > most.neighbours:
                self._over.add(lab_id)
                news = self._end_within(watched, weight, most)
            else:
                self._over.discard(lab_id)
                watched.heavy.over()
        if news and watched.lab.state != "ending":
            self._tell(watched.lab, news)

    def _end_within(self, watched: _Watched, weight: Weight, most: Made) -> News | None:
        """End whoever is in a network that the lab made; all others where nobody is in one."""
        lab, pids = watched.lab, self._place.pids(watched.lab.id)
        _end_where_it_goes_on(lab, watched.heavy, time.monotonic())
        own, before = watched.own().keys(), watched.heavy.ended & pids
        ended = {pid for pid in pids - before - {lab.pid} if own & _numbers(pid)}
        if not ended and before:  # the kernel takes their networks away after them
            return None
        ended = ended or pids - {lab.pid} or {lab.pid}
        for pid in ended:
            processes.signal_member(pid, lab.id, SIGKILL)
        watched.drop()
        is_first = not watched.heavy.ended
        watched.heavy.ended = before | ended
        if not is_first:
            return None
        log.warning("labs.networks_heavy", lab=lab.id, **weight._asdict())
        return _said_of_networks(weight, most)

    def _end_holders(self, watched: _Watched) -> News | None:
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
            name = _name(next(pid for pid, own in found.items() if len(own) == most))
            ended = {pid for pid, own in found.items() if len(own) * 2 >= most}
        for pid in ended:
            processes.signal_member(pid, lab.id, SIGKILL)
        watched.unread.ended |= ended
        return _said(name, held, watched.most)


def _end_where_it_goes_on(lab: Lab, ending: _Ending, now: float) -> None:
    """End a lab that forks faster than it is listed: with process 1 the kernel ends all of it."""
    ending.since = ending.since or now
    if now - ending.since > _GOES_ON_S and not lab.is_paused:
        ending.since = now
        log.warning("labs.unread_goes_on", lab=lab.id)
        processes.signal_member(lab.pid, lab.id, SIGKILL)


def _said_of_networks(weight: Weight, most: Made) -> News:
    what = f"held {weight.size >> 20} MB"
    if weight.size <= most.size:
        what = f"had {weight.neighbours} neighbours"
    return News(
        "networks",
        f"The programs in networks that your container made were ended: they {what}.",
        f"Such networks may hold {most.size >> 20} MB and {most.neighbours} neighbours.",
    )


def _neighbours() -> int:
    """How many the machine has room for less."""
    found = 0
    for name in ("arp_cache", "ndisc_cache"):
        with suppress(OSError):  # not told where the server is in a container
            found += int(Path(f"/proc/net/stat/{name}").read_text().splitlines()[1].split()[0], 16)
    return found


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


def _threads(pid: int) -> list[int]:
    with suppress(OSError):  # it has ended
        return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - as above
    return []


def _name(pid: int) -> str:
    with suppress(OSError):
        return plain(Path(f"/proc/{pid}/comm").read_text(errors="replace").strip())
    return "A program"


def _numbers(pid: int) -> set[int]:
    """Those of the networks that its threads are in."""
    found = set()
    for tid in _threads(pid):
        with suppress(OSError):  # it has ended
            found.add(_number(tid))
    return found


def _number(pid: int) -> int:
    return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - many times a second
