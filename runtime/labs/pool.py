"""Labs that stand ready, each at its prompt, so that joining costs no more than a name.

How many follows the joins: as many as were asked for in the last half minute, on top of what is
wanted always. When nobody joins any more they end, and their memory and disk are given back.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.labs.state import Lab, Shape

log = structlog.get_logger()

_RETRY_S = 30.0
JOINS_S = 30.0  # a class arrives within a minute or two
MOST_BY_JOINS = 8  # as many as are made while the next ones type their names


class Pool:
    """Keeps as many labs of each shape as are wanted, by a thread of its own.

    Args:
        make: makes one; None where the server is full.
        drop: ends one.
        tell: called when the pool has changed.
        joins_s: how long a join counts.
    """

    def __init__(
        self,
        make: Callable[[Shape], Lab | None],
        drop: Callable[[Lab], None],
        tell: Callable[[], None],
        joins_s: float = JOINS_S,
    ) -> None:
        self._make = make
        self._drop = drop
        self._tell = tell
        self._joins_s = joins_s
        self._wanted: dict[Shape, int] = {}
        self._labs: dict[Shape, list[Lab]] = defaultdict(list)
        self._joins: dict[Shape, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_BY_JOINS))
        self._changed = threading.Condition()
        self._has_news = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pool", daemon=True)

    def start(self) -> None:
        """Begin to fill."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more labs, and forget those that stand ready: they are the caller's to end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._labs.clear()

    def want(self, wanted: dict[Shape, int]) -> None:
        """Say what shall stand ready, instead of what was said before."""
        with self._changed:
            self._wanted = {shape: count for shape, count in wanted.items() if count > 0}
            for shape in self._joins.keys() - self._wanted.keys():
                del self._joins[shape]
        self.look_again()

    def look_again(self) -> None:
        """Something has changed: a place may be free now."""
        with self._changed:
            self._has_news = True
            self._changed.notify_all()

    def claim(self, shape: Shape) -> Lab | None:
        """Take a lab of this shape out of the pool; None where none stands ready."""
        with self._changed:
            if shape in self._wanted:
                self._joins[shape].append(time.monotonic())
            lab = self._labs[shape].pop(0) if self._labs.get(shape) else None
        self.look_again()
        return lab

    def give_way(self, shape: Shape) -> bool:
        """End one lab of another shape, to make room for a learner's; False where there is none."""
        with self._changed:
            others = [labs for each, labs in self._labs.items() if each != shape and labs]
            lab = others[0].pop() if others else None
        if lab is None:
            return False
        self._drop(lab)
        return True

    def forget(self, lab: Lab) -> None:
        """A lab is no more; the pool may have had it."""
        with self._changed:
            if lab in self._labs.get(lab.shape, []):
                self._labs[lab.shape].remove(lab)
        self.look_again()

    def size(self) -> int:
        """How many stand ready."""
        with self._changed:
            return sum(len(labs) for labs in self._labs.values())

    def describe(self) -> list[dict[str, Any]]:
        """What is wanted (`count`) and what stands ready, by shape."""
        with self._changed:
            shapes = [*self._wanted, *(shape for shape, labs in self._labs.items() if labs)]
            return [
                {
                    **asdict(shape),
                    "count": self._target(shape),
                    "ready": len(self._labs.get(shape, [])),
                }
                for shape in dict.fromkeys(shapes)
            ]

    def _run(self) -> None:
        while True:
            with self._changed:
                # Where making failed nobody may ever give news, so look again now and then.
                self._changed.wait_for(lambda: self._has_news or self._stopping, self._patience_s())
                if self._stopping:
                    return
                self._has_news = False
            while self._settle_one() and not self._stopping:
                self._tell()

    def _settle_one(self) -> bool:
        """Make or end one lab; False where there is nothing to do, or it could not be done."""
        surplus = self._take_surplus()
        if surplus is not None:
            self._drop(surplus)
            return True
        shape = self._missing()
        if shape is None:
            return False
        try:
            lab = self._make(shape)
        except (Problem, OSError, ProgramFailed) as error:
            log.warning("pool.make_failed", image=shape.image, error=str(error))
            return False
        if lab is None:
            return False
        with self._changed:
            self._labs[shape].append(lab)
        return True

    def _target(self, shape: Shape) -> int:
        """How many shall stand ready now; called under the lock."""
        wanted = self._wanted.get(shape, 0)
        return wanted + len(self._recent(shape)) if wanted else 0

    def _recent(self, shape: Shape) -> deque[float]:
        joins = self._joins.get(shape, deque())
        while joins and joins[0] + self._joins_s <= time.monotonic():
            joins.popleft()
        return joins

    def _patience_s(self) -> float:
        """Until the oldest join is forgotten, and a lab with it."""
        oldest = [joins[0] for shape in self._wanted if (joins := self._recent(shape))]
        return min([_RETRY_S, *(at + self._joins_s - time.monotonic() for at in oldest)])

    def _missing(self) -> Shape | None:
        with self._changed:
            for shape in self._wanted:
                if len(self._labs.get(shape, [])) < self._target(shape):
                    return shape
        return None

    def _take_surplus(self) -> Lab | None:
        with self._changed:
            for shape, labs in self._labs.items():
                if len(labs) > self._target(shape):
                    return labs.pop()
        return None
