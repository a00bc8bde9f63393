"""Who may be slow: a stream is read only as fast as its active viewers draw.

The browser says what it has drawn (each 64 KiB); more than 256 KiB ahead of that nothing is sent. A
viewer that draws nothing for two seconds holds nobody back any more: it gets the screen as it then
is.
"""

from __future__ import annotations

from webapp.terminals.bounds import WINDOW_BYTES

STALL_S = 2.0


class Credit:
    """One viewer's account.

    Attributes:
        drawn: sequence number up to which the browser has drawn.
    """

    __slots__ = ("_full_since", "drawn")

    def __init__(self, seq: int) -> None:
        self.drawn = seq
        self._full_since: float | None = None

    def restart(self, seq: int) -> None:
        """Begin again at `seq`: the viewer was given a new screen."""
        self.drawn, self._full_since = seq, None

    def acknowledge(self, seq: int, sent: int) -> bool:
        """Take what the browser says.

        Returns:
            False when it claims to have drawn what was never sent.
        """
        if seq > sent:
            return False
        if seq > self.drawn:
            self.restart(seq)
        return True

    def room(self, sent: int) -> int:
        """How many bytes may be sent now, when `sent` is the sequence number reached."""
        return max(0, self.drawn + WINDOW_BYTES - sent)

    def holds_back(self, head: int, now: float) -> bool:
        """Whether the stream must wait for this viewer, the output having reached `head`."""
        if head - self.drawn < WINDOW_BYTES:
            self._full_since = None
            return False
        if self._full_since is None:
            self._full_since = now
        return now - self._full_since < STALL_S
