"""Networks that nobody is in any more: most end, and one that something keeps is found again.

A mount keeps one, or a descriptor that is on its way. As long as we had it, it would not end; once
let go of, nobody would find it. So its number is remembered, which keeps nothing.
"""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from runtime.kernel.numbered import NumberedNetworks
from runtime.kernel.turns import Turns
from runtime.labs.networks import Network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.labs.state import Lab

_LOOK_S = 0.5
_ENDS_S = 1.0  # one that nothing keeps ends in far less
_TAKEN, _TAKEN_MOST = {errno.ESTALE, errno.EBADFD, errno.ENODEV}, 4  # by root of that network


class _One(NamedTuple):
    """A network that was left."""

    lab: Lab
    at: float


class Left:
    """A thread that looks at them, since to open one takes long.

    Args:
        tunnels: the node of /dev/net/tun.
        found: takes one that something keeps, a descriptor that stays ours, and says whether its
            lab still lives.
        kept_out: hears of a lab that takes our tunnels away, so that one stays unknown.
    """

    def __init__(
        self,
        tunnels: Path,
        found: Callable[[Lab, int], bool],
        kept_out: Callable[[Lab], None],
    ) -> None:
        self._tunnels = tunnels
        self._found = found
        self._kept_out = kept_out
        self._taken: Counter[int] = Counter()
        self._numbers: NumberedNetworks | None = None
        self._left: dict[int, _One] = {}
        self._missing: set[int] = set()  # at the last look
        self._turns = Turns("left", _LOOK_S, self._look, "labs.left_failed")

    def start(self) -> None:
        """Begin to look."""
        self._turns.start()

    def stop(self) -> None:
        """Look no more."""
        self._turns.stop()
        if self._numbers:
            self._numbers.close()

    def remember(self, lab: Lab, network: Network) -> None:
        """Know a network without keeping it; the caller, who has it, may close it.

        Raises:
            OSError: the kernel gave it no number.
        """
        if self._numbers is None:  # the first: most servers never need it
            self._numbers = NumberedNetworks(self._tunnels)
        self._left[self._numbers.add(network.fd)] = _One(lab, time.monotonic())

    def _look(self) -> None:
        if not self._left or self._numbers is None:
            return
        now = time.monotonic()
        left = dict(self._left)
        missing = left.keys() - self._numbers.living()
        failure = None
        for number, one in left.items():
            try:
                if number in missing & self._missing:  # a long list may lack one that just moved up
                    self._left.pop(number)
                elif number not in missing and now - one.at > _ENDS_S:
                    self._open(self._numbers, number, one.lab)
            except OSError as error:  # the others are looked at all the same
                failure = error
        self._missing = missing
        if failure:
            raise failure

    def _open(self, numbers: NumberedNetworks, number: int, lab: Lab) -> None:
        try:
            fd = numbers.open(number)
        except OSError as error:
            if number not in numbers.living():
                return  # it has just ended
            if error.errno in _TAKEN:
                self._taken[number] += 1
                if self._taken[number] > _TAKEN_MOST:
                    self._kept_out(lab)
            raise
        self._taken.pop(number, None)
        one = self._left.pop(number)  # before: whoever has it may leave it again at once
        try:
            if not self._found(lab, fd):
                _drop(fd)
        except OSError:  # such as too many open files: nobody has it
            self._left.setdefault(number, one)
            raise
        finally:
            os.close(fd)


def _drop(fd: int) -> None:
    """Let what waits in it go, so that it ends."""
    network = Network(fd)
    try:
        network.drop()
    finally:
        network.close()
