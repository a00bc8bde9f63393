"""How much each learner's images may take at the workshop's registry; safe from any thread."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.registry.shelf import Shelf

# The server's own needs of its disk.
KEPT_FREE_BYTES = 512 << 20


class Quota:
    """Counts what is kept of each, and what comes just now.

    Args:
        shelf: has the images.
        place: on the disk that fills.
        most_bytes: of each.
    """

    def __init__(self, shelf: Shelf, place: Path, most_bytes: int) -> None:
        self._shelf = shelf
        self._place = place
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._senders: Counter[str] = Counter()
        self.was_met = False
        """Whether somebody was refused since the last sweep, which may help."""

    @contextmanager
    def sending(self, own: str) -> Iterator[None]:
        """One request that brings something; those at once of one learner are counted together."""
        with self._lock:
            if not self._senders[own]:
                self._used[own] = self._shelf.used_bytes(own)
            self._senders[own] += 1
        try:
            yield
        finally:
            with self._lock:
                self._senders[own] -= 1

    def take(self, own: str, size_bytes: int) -> None:
        """Count what has come.

        Raises:
            Problem: `registry-full`.
        """
        free = shutil.disk_usage(self._place).free
        with self._lock:
            self._used[own] += size_bytes
            is_over = self._used[own] > self._most_bytes
        if not is_over and free > KEPT_FREE_BYTES:
            return
        self.was_met = True
        if not is_over:
            raise Problem(
                "registry-full",
                "The server's disk has no room for more images at its registry.",
                "Tell your instructor. What you pushed before is safe.",
            )
        raise Problem(
            "registry-full",
            f"Your images at this registry would take more than the {self._most_bytes / 1e6:.0f} "
            "MB that they may. This one was not kept.",
            "Push a smaller one, or push it under a name that you have: what no name means any "
            "more makes room within two minutes.",
            most_bytes=self._most_bytes,
        )
