"""What is being made, so that a runtime that ends doesn't leave half of it behind."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


class Making:
    """Counts what has begun; once it is to finish, nothing more begins. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._is_over = False

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Make something in here; `finish` waits for its end. May be entered again inside.

        Raises:
            Problem: `runtime-away`: it is too late to begin.
        """
        with self._changed:
            if self._is_over:
                raise Problem(
                    "runtime-away",
                    "The part of this server that runs the labs is away. It is being stopped.",
                    "It is started again by itself; programs in the labs go on meanwhile.",
                )
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def finish(self, timeout_s: float) -> bool:
        """Let nothing more begin, and wait for what has; whether that is over."""
        with self._changed:
            self._is_over = True
            return self._changed.wait_for(lambda: self._count == 0, timeout_s)
