"""How much each learner's images may take at the workshop's registry; safe from any thread."""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.registry.shelf import Shelf

# The server's own needs of its disk.
KEPT_FREE_BYTES = 512 << 20


@dataclass
class _Account:
    """What is counted of one learner while something comes.

    Attributes:
        senders: requests that bring something.
        used_bytes: what they have and what comes; None until their files were looked at.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    senders: int = 0
    used_bytes: int | None = None


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
        self._accounts: dict[str, _Account] = {}
        self.was_met = False
        """Whether somebody was refused since the last sweep, which may help."""

    @contextmanager
    def sending(self, own: str) -> Iterator[None]:
        """One request that brings something; those at once of one learner are counted together."""
        with self._lock:
            account = self._accounts.setdefault(own, _Account())
            account.senders += 1
        try:
            with account.lock:  # their files are looked at meanwhile, and nobody else waits for it
                if account.used_bytes is None:
                    account.used_bytes = self._shelf.used_bytes(own)
            yield
        finally:
            with self._lock:
                account.senders -= 1
                if not account.senders:
                    del self._accounts[own]

    def take(self, own: str, size_bytes: int) -> None:
        """Count what has come.

        Raises:
            Problem: `registry-full`.
        """
        free = shutil.disk_usage(self._place).free
        account = self._accounts[own]
        with account.lock:
            account.used_bytes = (account.used_bytes or 0) + size_bytes
            is_over = account.used_bytes > self._most_bytes
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
