"""How much of one stream is read in one turn, so that a flood doesn't delay another's keystroke.

Measured: a turn of 64 KiB carries most, but a neighbour's echo then waits for 16 and more reads of
    slow tty work; 8 KiB each 4 ms cuts its p99 sevenfold and is still more than a browser draws.
"""

from __future__ import annotations

FULL_BYTES = 64 * 1024
SHARED_BYTES = 8 * 1024
SHARED_HOLD_S = 0.004
_TYPING_S = 1.0


class Pacing:
    """Remembers who typed last, for all terminals of the pump."""

    def __init__(self) -> None:
        self._typed_at: dict[str, float] = {}

    def typed(self, terminal: str, now: float) -> None:
        """Somebody pressed a key in `terminal`."""
        self._typed_at = {name: at for name, at in self._typed_at.items() if now - at < _TYPING_S}
        self._typed_at[terminal] = now

    def turn(self, terminal: str, now: float) -> tuple[int, float]:
        """What `terminal` may read now, and how long it then rests if it used all of it."""
        is_shared = any(
            name != terminal and now - at < _TYPING_S for name, at in self._typed_at.items()
        )
        return (SHARED_BYTES, SHARED_HOLD_S) if is_shared else (FULL_BYTES, 0.0)
