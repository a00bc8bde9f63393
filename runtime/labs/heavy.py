"""What the networks hold that labs made: weighed, and over a limit whoever is in them is ended."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import processes
from runtime.labs.limit_news import News
from runtime.labs.watched import number_of, threads

if TYPE_CHECKING:
    from runtime.container.profile import Made
    from runtime.labs.state import Lab
    from runtime.labs.watched import Ending, Watched, WatchedLabs
    from runtime.labs.weight import Weight

log = structlog.get_logger()

_GOES_ON_S = 2.0  # far more than the end of a program takes that is held to its processor time
_WEIGH_S = 30.0  # sooner where memory or room for neighbours goes
_WEIGH_GONE_BYTES = 64 << 20  # since they were weighed
_WEIGH_NEIGHBOURS = 128  # likewise; their number is asked as often as this
_NEIGHBOURS_S = 0.1
_WEIGH_PAUSE = 50  # times as long as it took
_URGENT_BYTES, _URGENT_PAUSE = 256 << 20, 5  # where so much is gone
# With so much of the server's memory gone to nobody, whose tunnels may hold most, and so much.
_NOBODYS_BYTES = 512 << 20
_POSSIBLE_BYTES = 256 << 20


class _Pace:
    """When networks of labs' own are weighed: seldom, as long as the server loses nothing."""

    def __init__(self) -> None:
        self._ended_at = self._took_s = self._ask_at = 0.0
        self._free_bytes = self._neighbours = 0

    def is_due(self, free_bytes: int) -> bool:
        """Whether it is time."""
        now = time.monotonic()
        paused_s = now - self._ended_at
        self._free_bytes = max(self._free_bytes, free_bytes)
        gone_bytes = self._free_bytes - free_bytes
        if paused_s < self._took_s * _WEIGH_PAUSE:
            return gone_bytes > _URGENT_BYTES and paused_s > self._took_s * _URGENT_PAUSE
        if gone_bytes > _WEIGH_GONE_BYTES or paused_s > _WEIGH_S or not self._ended_at:
            return True
        if now < self._ask_at:
            return False
        self._ask_at = now + _NEIGHBOURS_S
        neighbours = _neighbours()
        self._neighbours = min(self._neighbours, neighbours)
        return neighbours - self._neighbours > _WEIGH_NEIGHBOURS

    def done(self, began: float, free_bytes: int) -> None:
        """They were weighed."""
        self._ended_at = time.monotonic()
        self._took_s = self._ended_at - began
        self._free_bytes, self._neighbours = free_bytes, _neighbours()


class Heavy:
    """Looks after what labs' own networks hold, when it is called.

    Args:
        labs: those that are watched.
    """

    def __init__(self, labs: WatchedLabs) -> None:
        self._labs = labs
        self._over: set[str] = set()  # whose own networks hold too much
        self._all_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        self._usual_bytes = self._all_bytes
        self._pace = _Pace()

    def look(self, free_bytes: int) -> None:
        """Weigh them where it is time to, and those that hold too much at each look.

        Args:
            free_bytes: the server's memory that programs may have.
        """
        own = self._labs.with_own()
        if own and self._pace.is_due(free_bytes):
            began = time.monotonic()
            self._weigh(own, free_bytes, are_all=True)
            self._pace.done(began, free_bytes)
        elif self._over:  # who goes on is not waited for
            self._weigh(list(self._over), free_bytes, are_all=False)

    def forget(self, lab_id: str) -> None:
        """A lab is watched no more."""
        self._over.discard(lab_id)

    def _weigh(self, lab_ids: list[str], free_bytes: int, *, are_all: bool) -> None:
        """Weigh the networks that these labs made, and see to those that are over their limit."""
        weights = self._labs.weigh(lab_ids, "networks")
        fullest = max(weights, key=lambda lab_id: weights[lab_id].possible, default=None)
        most = weights[fullest].possible if fullest is not None else 0
        nobodys = self._nobodys(free_bytes, is_usual=are_all and most == 0)
        if nobodys < _NOBODYS_BYTES or most < _POSSIBLE_BYTES:
            fullest = None
        for lab_id, weight in weights.items():
            # One at a time: where it was that one, the memory is back before another is looked at.
            size = weight.size + (weight.possible if lab_id == fullest else 0)
            with self._labs.alone(lab_id, "ending"):
                self._judge(lab_id, weight._replace(size=size))

    def _nobodys(self, free_bytes: int, *, is_usual: bool) -> int:
        """By how much the memory grew that the server uses and no lab is charged for."""
        used = self._all_bytes - free_bytes - self._labs.place.usage_of_all().memory_bytes
        self._usual_bytes = used if is_usual else min(used, self._usual_bytes)
        return used - self._usual_bytes

    def _judge(self, lab_id: str, weight: Weight) -> None:
        news = None
        with self._labs.lock:
            watched = self._labs.get(lab_id)
            if watched is None or watched.made is None:
                self._over.discard(lab_id)
                return
            most = watched.made
            if weight.size > most.size or weight.neighbours > most.neighbours:
                self._over.add(lab_id)
                if self.end_within(watched):
                    log.warning("labs.networks_heavy", lab=lab_id, **weight._asdict())
                    news = _said(weight, most)
            else:
                self._over.discard(lab_id)
                watched.heavy.over()
        self._labs.tell(watched.lab, news)

    def end_within(self, watched: Watched) -> bool:
        """End whoever is in a network that the lab made; all others where nobody is in one.

        Returns:
            Whether it is the first time, and therefore news.
        """
        lab, pids = watched.lab, self._labs.place.pids(watched.lab.id)
        end_where_it_goes_on(lab, watched.heavy, time.monotonic())
        own, before = watched.own().keys(), watched.heavy.ended & pids
        ended = {pid for pid in pids - before - {lab.pid} if own & _numbers(pid)}
        if not ended and before:  # the kernel takes their networks away after them
            return False
        ended = ended or pids - {lab.pid} or {lab.pid}
        for pid in ended:
            processes.signal_member(pid, lab.id, SIGKILL)
        watched.drop()
        is_first = not watched.heavy.ended
        watched.heavy.ended = before | ended
        return is_first


def end_where_it_goes_on(lab: Lab, ending: Ending, now: float) -> None:
    """End a lab that forks faster than it is listed: with process 1 the kernel ends all of it."""
    ending.since = ending.since or now
    if now - ending.since > _GOES_ON_S and not lab.is_paused:
        ending.since = now
        log.warning("labs.unread_goes_on", lab=lab.id)
        processes.signal_member(lab.pid, lab.id, SIGKILL)


def _said(weight: Weight, most: Made) -> News:
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


def _numbers(pid: int) -> set[int]:
    """Those of the networks that a process's threads are in."""
    found = set()
    for tid in threads(pid):
        with suppress(OSError):  # it has ended
            found.add(number_of(tid))
    return found
