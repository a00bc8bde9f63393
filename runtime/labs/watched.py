"""The labs whose networks are watched, and which networks each has."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from runtime.container import bundle
from runtime.labs.networks import Held, Network
from runtime.labs.weight import Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runtime.labs.limit_news import News
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

_LOOK_S = 0.2  # for networks that a lab made; at once where memory goes
# And where it took so much of a processor; a look costs a fiftieth of that, but with a thousand
# threads more than all of it: then so many times what the last one took.
_WORKED_S, _WORKED_TIMES = 0.005, 5
_IDLE_S = 300.0  # one that nobody is in and something keeps isn't let go of sooner again
_FEW = 8  # sockets that may hold what they can
_READ = os.O_RDONLY | os.O_CLOEXEC
_ENDED = (FileNotFoundError, ProcessLookupError)  # what is told of a process that is none any more


class Ending:
    """That something of a lab is over its limit, and who was ended for it."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.ended: set[int] = set()

    def over(self) -> None:
        """It is not, or no more."""
        self.since = None
        self.ended.clear()


class Watched:
    """A lab, and its networks by the number of their namespace.

    Args:
        lab: it runs.
        place: the labs' cgroups.
        leave: takes a network that nobody is in, and no socket; raises OSError where it can't.
    """

    def __init__(self, lab: Lab, place: Place, leave: Callable[[Lab, Network], None]) -> None:
        self.lab = lab
        profile = bundle.load_profile(lab.shape.profile)
        self.most = profile.unread
        self.made = profile.made
        self.unread = Ending()
        self.heavy = Ending()
        self._place = place
        self._leave = leave
        self._networks: dict[int, Network] = {}
        self._idle: dict[int, float] = {}  # until when such are kept
        self._first = 0
        self._look_at = self._cpu_seconds = self._took_s = 0.0

    def close(self) -> None:
        """Let go of them; nothing waits in those that it made."""
        for network in self.own().values():
            with suppress(OSError):
                network.drop()
        while self._networks:
            self._networks.popitem()[1].close()

    def is_over(self, held: Held) -> bool:
        """Whether that is more than it may have."""
        return held.sockets > self.most.sockets or held.size > self.most.size

    def held(self, *, anew: bool = False) -> Held:
        """What is held in all of them; of more sockets than there may be only how many they are.

        Args:
            anew: their kinds, too, are those of this moment.
        """
        networks = self._networks.values()
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
        return {number: each for number, each in self._networks.items() if number != self._first}

    def weight(self) -> Weight:
        """What those hold."""
        found = Weight()
        for network in self.own().values():
            found = found.plus(network.weigh())
        return found

    def is_due(self, now: float) -> bool:
        """Whether it may have other networks than at the last `find`."""
        if not self._networks:
            return True
        if not self.made:
            return False
        if now >= self._look_at:
            return True
        worked_s = self._place.cpu_seconds(self.lab.id) - self._cpu_seconds
        return worked_s > max(_WORKED_S, self._took_s * _WORKED_TIMES)

    def find(self) -> OSError | None:
        """The networks that its threads are in; one that nobody is in stays while it is used.

        Returns:
            What kept us from one of them, such as too many open files; the others are there.
        """
        failure = None
        seen = set()
        now, began_s = time.monotonic(), time.thread_time()
        ours = number_of(os.getpid())  # where a helper of the server's is, before it enters the lab
        tids = [] if self._networks else [self.lab.pid]
        if not self._first:
            with suppress(*_ENDED):
                self._first = number_of(self.lab.pid)
        if self.made:  # each thread may have one of its own
            self._look_at = now + _LOOK_S
            self._cpu_seconds = self._place.cpu_seconds(self.lab.id)
            tids += [tid for pid in self._place.pids(self.lab.id) for tid in threads(pid)]
        for tid in tids:
            try:
                number = number_of(tid)
                seen.add(number)
                if number not in self._networks and number != ours:
                    seen.add(self._keep_that_of(tid, ours))
            except _ENDED:
                continue
            except OSError as error:
                failure = error
        self._took_s = time.thread_time() - began_s
        return self._let_go(self._networks.keys() - seen, now) or failure

    def keep(self, fd: int) -> None:
        """Keep a network that nobody was in for a while, since something else keeps it.

        Args:
            fd: stays the caller's.
        """
        number = os.fstat(fd).st_ino
        if number not in self._networks:
            self._networks[number] = Network(fd)
            self._idle[number] = time.monotonic() + _IDLE_S

    def _keep_that_of(self, tid: int, ours: int) -> int:
        """Keep a thread's network; its number, another than before where it has just moved."""
        fd = os.open(f"/proc/{tid}/ns/net", _READ)
        try:
            number = os.fstat(fd).st_ino
            if number not in self._networks and number != ours:
                self._networks[number] = Network(fd)
        finally:
            os.close(fd)
        return number

    def _let_go(self, numbers: set[int], now: float) -> OSError | None:
        """Of those that nobody is in, leave the ones without a socket: a closed one, too, counts.

        A packet that is held back keeps its socket, and that the network.
        """
        for number in numbers:
            network = self._networks[number]
            if now < self._idle.get(number, 0.0) or network.count():
                continue
            try:
                self._leave(self.lab, network)
            except OSError as error:
                return error
            self._idle.pop(number, None)
            self._networks.pop(number).close()
        return None


class WatchedLabs:
    """All of them. Two threads look at them, one lab at a time.

    Args:
        place: their cgroups.
        tell: says something in a lab's terminals and to the web.

    Attributes:
        lock: held while one is looked at, so who ends another waits for that only.
    """

    def __init__(self, place: Place, tell: Callable[[Lab, News], None]) -> None:
        self.place = place
        self.lock = threading.Lock()
        self._tell = tell
        self._watched: dict[str, Watched] = {}
        self._failed: set[tuple[str, str]] = set()  # what of which lab, since it was told

    def __len__(self) -> int:
        return len(self._watched)

    def ids(self) -> list[str]:
        """Those that are watched now."""
        return list(self._watched)

    def with_own(self) -> list[str]:
        """Those that may make networks."""
        return [key for key, each in list(self._watched.items()) if each.made]

    def get(self, lab_id: str) -> Watched | None:
        """One of them, for who has the lock."""
        return self._watched.get(lab_id)

    def add(self, watched: Watched) -> None:
        """Watch a lab that runs; one that ends already was discarded, or is soon."""
        with self.lock:
            if watched.lab.state != "ending":
                self._watched[watched.lab.id] = watched

    def discard(self, lab_id: str) -> None:
        """Watch a lab no more; its networks are let go."""
        with self.lock:
            watched = self._watched.pop(lab_id, None)
            self._failed = {key for key in tuple(self._failed) if key[0] != lab_id}
        if watched:  # nobody else has it now, and links without number go down slowly
            watched.close()

    def weigh(self, lab_ids: Iterable[str], what: str) -> dict[str, Weight]:
        """What the networks hold that these labs made, of those that are still watched.

        Args:
            lab_ids: whose.
            what: is being seen to, for `alone`.
        """
        weights: dict[str, Weight] = {}
        for lab_id in lab_ids:
            with self.alone(lab_id, what), self.lock:
                if watched := self.get(lab_id):
                    watched.find()
                    weights[lab_id] = watched.weight()
        return weights

    @contextmanager
    def alone(self, lab_id: str, what: str) -> Iterator[None]:
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

    def tell(self, lab: Lab, news: News | None) -> None:
        """Say what happened to a lab, if anything did and it isn't being ended."""
        if news and lab.state != "ending":
            self._tell(lab, news)


def threads(pid: int) -> list[int]:
    """The threads of a process, where there is one."""
    with suppress(OSError):  # it has ended
        return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - a Path for each of a hundred thousand
    return []


def number_of(tid: int) -> int:
    """That of the network which a thread is in."""
    return os.stat(f"/proc/{tid}/ns/net").st_ino  # noqa: PTH116 - many times a second
