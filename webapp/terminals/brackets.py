"""The end of a paste whose browser left in its midst.

A program that brackets pastes takes all that is typed for pasted text until the bracket is closed.
Who reloads the page in the midst of one would find a shell that is dead to every key.
"""

from __future__ import annotations

from typing import Generic, TypeVar

BEGIN, END = b"\x1b[200~", b"\x1b[201~"

Viewer = TypeVar("Viewer")


class Bracket(Generic[Viewer]):
    """Whose paste is open in a terminal; nobody's, mostly."""

    __slots__ = ("_of", "_rest")

    def __init__(self) -> None:
        self._of: Viewer | None = None
        self._rest = b""

    @property
    def is_open(self) -> bool:
        """Whether the program waits for an end."""
        return self._of is not None

    def typed(self, viewer: Viewer, data: bytes, *, is_piece: bool) -> None:
        """Somebody typed `data`.

        Args:
            viewer: who.
            data: what.
            is_piece: whether it is a piece of a long paste; a short one is closed as it comes.
        """
        if is_piece:
            text = self._rest + data
            if text.rfind(BEGIN) > text.rfind(END):
                self._of = viewer
            elif END in text:
                self._of = None
            self._rest = text[1 - len(END) :]  # the next piece may end a marker
        elif self._of is not None and (viewer is self._of or END in data):
            self._of = None

    def leave(self, viewer: Viewer) -> bool:
        """Whether a viewer that is gone had a paste open."""
        was_theirs = viewer is self._of
        if was_theirs:
            self._of = None
        return was_theirs
