"""Who floods terminals of their own is slowed while they do.

What goes through a pty is carried by workers of the kernel's, which are in no cgroup: a lab that
makes ptys and floods them takes the processors from its neighbours, whatever its own share is. No
counter says for whom the workers work. So while they are busy suspects are slowed, those first that
take most of the processors, until the workers are busy no more; who was innocent wants little, or
goes on soon. The terminals that Slipway opens are no reason to be suspected: how fast they are read
is bounded by who looks at them.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from runtime.container import bundle
from runtime.kernel import processes
from runtime.kernel.turns import Turns
from runtime.kernel.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place
    from runtime.terminals import Terminals

log = structlog.get_logger()

LOOK_S = 0.25
# Of all processors, for the workers: more is a flood, and who is slowed is slowed until they take
# little. A `find /` in tmux keeps them busy with an eighth of two.
BUSY, MOST = 0.2, 0.1
_ENOUGH = 6.0  # looks at which they took more before anybody is suspected
_FORGET = 0.1  # of such a look, at each at which they took less
_MEAN = 4  # looks of which the mean counts, after each change
_AGAIN, _AGAIN_S = 2, 3.0  # fewer, for so long after somebody went on: it is theirs
# Of a processor. The first is enough for what honest programs print, as in panes of tmux; who fills
# forty ptys with a system call each keeps the workers busy with the second.
_SLOW_CORES = (0.1, 0.01, 0.001)
_SETTLE_S = 0.3  # what waits in ptys that were just slowed is still carried
_HELPED = 0.7  # of what they took before, once suspects are slowed: it was one of them
# For so long one who was slowed in vain isn't suspected again, unless they take more still.
_PEACE_S, _MORE = 300.0, 1.5
_SHORT_S, _LONG_S = 4.0, 30.0  # how long one is slowed who wants to go on: twice as long each time
_RESTS = 8  # looks in a row at which it wasn't held back: two of the longest periods
_MOST_FILES = 8192  # of a lab's; looking through more would take long
_NEAR = b"tty-index:"  # what fdinfo says of the near side of a pty alone


class _Suspect:
    """A lab, and what is known of it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.took_s = 0.0
        self.level = -1
        self.wait_s = _SHORT_S
        self.until = 0.0
        self.went_on_at = float("-inf")
        self._peace_until = self._peace_share = 0.0
        self._cpu_seconds = 0.0
        self._throttled = 0
        self._rests = 0

    def look(self, place: Place) -> None:
        """See what it took of the processors since the last look."""
        before, self._cpu_seconds = self._cpu_seconds, place.cpu_seconds(self.lab.id)
        self.took_s = self._cpu_seconds - before if before else 0.0

    @property
    def is_slowest(self) -> bool:
        """Whether it is given the least that the kernel can give."""
        return self.level == len(_SLOW_CORES) - 1

    def slow(self, now: float) -> None:
        """It is slowed from now on; as much as before, if it only just went on."""
        is_again = now - self.went_on_at < _AGAIN_S
        self.level = max(self.level, 0) if is_again else 0
        self.wait_s = min(self.wait_s * 2, _LONG_S) if is_again else _SHORT_S
        self.until, self._rests = now + self.wait_s, 0

    def leave_in_peace(self, now: float, mean: float) -> None:
        """It was slowed in vain: what the workers take is another's."""
        self._peace_until, self._peace_share = now + _PEACE_S, mean * _MORE

    def may_be_it(self, now: float, mean: float) -> bool:
        """Whether to suspect it of what the workers take."""
        return bool(self.took_s) and (now >= self._peace_until or mean > self._peace_share)

    def is_done(self, place: Place, now: float) -> bool:
        """Whether one that is slowed may go on: it wants no more than it has, or had to wait."""
        before, self._throttled = self._throttled, place.hits(self.lab.id).cpu_throttled
        self._rests = self._rests + 1 if self._throttled == before else 0
        return self._rests >= _RESTS or now >= self.until


class Search:
    """Finds who keeps the workers busy, by slowing one after another.

    Args:
        place: the labs' cgroups.
        has_ptys: whether there are any in a lab that its programs made.
    """

    def __init__(self, place: Place, has_ptys: Callable[[Lab], bool]) -> None:
        self._place = place
        self._has_ptys = has_ptys
        self._suspects: dict[str, _Suspect] = {}
        self._shares = deque[float](maxlen=_MEAN)
        self._busy = 0.0
        self._mean_before = 0.0
        self._settled_at = 0.0
        self._went_on_at = float("-inf")

    def add(self, lab: Lab) -> None:
        """A lab that runs."""
        self._suspects[lab.id] = _Suspect(lab)

    def discard(self, lab: Lab) -> None:
        """A lab that is being ended, at its own speed."""
        suspect = self._suspects.pop(lab.id, None)
        if suspect and lab.slowed_to is not None:
            self._let_go_on(suspect, 0.0)

    def end(self) -> None:
        """Nobody stays slowed."""
        for suspect in self._slowed():
            self._let_go_on(suspect, 0.0)

    def look(self, now: float, share: float) -> Lab | None:
        """One look, some times a second.

        Args:
            now: of a clock that isn't set, in seconds.
            share: what the workers took of all processors since the last one.

        Returns:
            Who was slowed, if anybody.
        """
        is_busy = share > self._bound()
        self._busy = min(self._busy + 1, _ENOUGH) if is_busy else max(self._busy - _FORGET, 0)
        if is_busy:
            for suspect in self._suspects.values():
                suspect.look(self._place)
        if now < self._settled_at:
            return None
        self._shares.append(share)
        if len(self._shares) < (_AGAIN if now - self._went_on_at < _AGAIN_S else _MEAN):
            return None
        return self._decide(now, statistics.fmean(self._shares))

    def _bound(self) -> float:
        """Of the workers' share, above which something is done about it."""
        return MOST if self._slowed() else BUSY

    def _decide(self, now: float, mean: float) -> Lab | None:
        slow = [each for each in self._slowed() if not each.is_slowest]
        has_helped = mean <= self._mean_before * _HELPED
        if mean <= self._bound() or self._busy < _ENOUGH:
            self._let_one_go_on(now)
        elif slow and has_helped:
            self._slow_more(slow, now)
        elif found := self._next(now, mean):
            self._slow(found, now, mean)
            return found.lab
        elif slow:
            self._slow_more(slow, now)
        elif has_helped and self._slowed():
            self._let_one_go_on(now)
        else:
            self._give_up(now, mean)
        return None

    def _next(self, now: float, mean: float) -> _Suspect | None:
        """Who is suspected most: whoever went on just now, then who takes most."""
        fast = [each for each in self._suspects.values() if each.lab.slowed_to is None]
        rest = [each for each in fast if each.may_be_it(now, mean)]
        rest.sort(key=lambda each: (-max(each.went_on_at, now - _AGAIN_S), -each.took_s))
        return next((each for each in rest if self._has_ptys(each.lab)), None)

    def _slow(self, suspect: _Suspect, now: float, mean: float) -> None:
        if not self._slowed():
            self._mean_before = mean
        suspect.slow(now)
        self._limit(suspect, now)

    def _slow_more(self, slow: list[_Suspect], now: float) -> None:
        suspect = min(slow, key=lambda each: each.level)
        suspect.level += 1
        self._limit(suspect, now)

    def _limit(self, suspect: _Suspect, now: float) -> None:
        lab = suspect.lab
        lab.slowed_to = _SLOW_CORES[suspect.level]  # first: whoever mends limits writes this one
        self._place.limit_cpu(lab.id, lab.limits.cpu_cores)
        self._begin_anew(now)
        log.info("lab.slowed", lab=lab.id, cores=lab.slowed_to, wait_s=suspect.wait_s)

    def _let_one_go_on(self, now: float) -> None:
        """One at a time: if the workers are busy again then, it was that one."""
        done = [each for each in self._slowed() if each.is_done(self._place, now)]
        if done:
            self._let_go_on(min(done, key=lambda each: each.until), now)

    def _give_up(self, now: float, mean: float) -> None:
        self._begin_anew(now)  # nor is a list of who has ptys made at each look
        for suspect in self._slowed():
            self._let_go_on(suspect, now)
            suspect.leave_in_peace(now, mean)
            log.warning("lab.slowed_in_vain", lab=suspect.lab.id)

    def _slowed(self) -> list[_Suspect]:
        return [each for each in self._suspects.values() if each.lab.slowed_to is not None]

    def _let_go_on(self, suspect: _Suspect, now: float) -> None:
        lab = suspect.lab
        lab.slowed_to = None
        suspect.went_on_at = self._went_on_at = now
        self._begin_anew(now)
        with suppress(OSError):  # it has ended
            self._place.limit_cpu(lab.id, lab.limits.cpu_cores)
        log.info("lab.went_on", lab=lab.id)

    def _begin_anew(self, now: float) -> None:
        self._settled_at = now + _SETTLE_S
        self._shares.clear()


class FloodWatch:
    """A thread that looks at the kernel's workers.

    Args:
        place: the labs' cgroups.
        terminals: those that Slipway opened.
        tell: says in a lab's terminals, and to the web, that it is slowed.
    """

    def __init__(self, place: Place, terminals: Terminals, tell: Callable[[Lab], None]) -> None:
        self._search = Search(place, lambda lab: has_ptys(lab, terminals, place))
        self._tell = tell
        self._workers = Workers()
        self._looked_at = 0.0
        self._lock = threading.Lock()
        self._turns = Turns("floods", LOOK_S, self._look, "labs.floods_failed")

    def start(self) -> None:
        """Begin to look."""
        if self._workers.are_seen():
            self._looked_at = time.monotonic()
            self._turns.start()
        else:
            log.warning("labs.workers_not_seen")

    def stop(self) -> None:
        """Look no more."""
        self._turns.stop()
        self._workers.close()
        with self._lock:
            self._search.end()

    def add(self, lab: Lab) -> None:
        """A lab that runs."""
        with self._lock:
            if lab.state != "ending":  # it was discarded before it came here
                self._search.add(lab)

    def discard(self, lab: Lab) -> None:
        """A lab that is being ended."""
        with self._lock:
            self._search.discard(lab)

    def _look(self) -> None:
        now = time.monotonic()
        share = self._workers.spent_s() / (now - self._looked_at) / (os.cpu_count() or 1)
        self._looked_at = now
        with self._lock:
            slowed = self._search.look(now, share)
        if slowed:
            self._tell(slowed)


def has_ptys(lab: Lab, terminals: Terminals, place: Place) -> bool:
    """Whether there are ptys in a lab beside those that Slipway opened."""
    with suppress(OSError):  # it has ended
        there = set(os.listdir(f"/proc/{lab.pid}/root/dev/pts")) - {"ptmx"}  # noqa: PTH208
        if len(there) > len(terminals.of(lab.id)):
            return True
        if "mnt" in bundle.load_profile(lab.shape.profile).namespaces:  # so there may be others
            return _hold_pty(place.pids(lab.id))
    return False


def _hold_pty(pids: set[int]) -> bool:
    """Whether any of them has the near side of a pty, or more files open than we look through."""
    left = _MOST_FILES
    for pid in pids:
        with suppress(OSError):  # it has ended
            for folder in processes.descriptor_folders(pid):
                for fd in _descriptors(folder):
                    left -= 1
                    if left < 0 or _is_near_side(folder, fd):
                        return True
    return False


def _descriptors(folder: str) -> list[str]:
    with suppress(OSError):  # that thread has ended; another may have what is looked for
        return os.listdir(folder)  # noqa: PTH208 - a Path for each of many
    return []


def _is_near_side(folder: str, fd: str) -> bool:
    """By what the kernel says of it: its name is what it was mounted as, in a lab's own mounts."""
    with suppress(OSError):  # closed in between
        if os.readlink(f"{folder}/{fd}").startswith("/"):  # noqa: PTH115 - as above
            with open(f"{folder}info/{fd}", "rb", buffering=0) as told:  # noqa: PTH123
                return _NEAR in told.read()
    return False
