"""The end of a paste whose browser left in its midst.

A program that brackets pastes takes all that is typed for pasted text until the bracket is closed.
Who reloads the page in the midst of one would find a shell that is dead to every key.
"""

from __future__ import annotations

from typing import Generic, TypeVar

BEGIN, END = b"\x1b[200~", b"\x1b[201~"

Viewer = TypeVar("Viewer")


class Bracket(Generic[Viewer]):
    """Whose paste is open in a terminal.

    Attributes:
        viewer: theirs; nobody's, mostly.
    """

    __slots__ = ("_rest", "viewer")

    def __init__(self) -> None:
        self.viewer: Viewer | None = None
        self._rest = b""

    @property
    def is_open(self) -> bool:
        """Whether the program waits for an end."""
        return self.viewer is not None

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
                self.viewer = viewer
            elif END in text:
                self.viewer = None
            self._rest = text[1 - len(END) :]  # the next piece may end a marker
        elif self.viewer is not None and (viewer is self.viewer or END in data):
            self.viewer = None

    def leave(self, viewer: Viewer) -> bool:
        """Whether a viewer that is gone had a paste open."""
        was_theirs = viewer is self.viewer
        if was_theirs:
            self.viewer = None
        return was_theirs
