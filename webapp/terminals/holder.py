"""Whose terminal it is among several viewers: the one who typed last.

Windows differ, and a terminal has one size: it follows whoever types. When a program asks the
terminal something, each viewer's xterm.js answers; the program gets the answer of this one alone.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Size = tuple[int, int]
Viewer = TypeVar("Viewer")


class Holder(Generic[Viewer]):
    """Who typed last, and what size each window has (rows, columns).

    Attributes:
        typist: who typed last, and still looks.
    """

    __slots__ = ("_answerer", "_sizes", "typist")

    def __init__(self) -> None:
        self._sizes: dict[Viewer, Size] = {}
        self.typist: Viewer | None = None
        self._answerer: Viewer | None = None

    def type(self, viewer: Viewer) -> Size | None:
        """A person typed; the size to take over now, None to keep the one there is."""
        if viewer is self.typist:
            return None
        self.typist = self._answerer = viewer
        return self._sizes.get(viewer)

    def resize(self, viewer: Viewer, size: Size) -> Size | None:
        """A window has another size; likewise."""
        self._sizes[viewer] = size
        return size if self.typist in {None, viewer} else None

    def leave(self, viewer: Viewer) -> Size | None:
        """A viewer is gone; where it had typed, whoever came last is the next one. Likewise."""
        self._sizes.pop(viewer, None)
        if self._answerer is viewer:
            self._answerer = None
        if self.typist is not viewer:
            return None
        self.typist = None
        return next(reversed(self._sizes.values()), None)

    def answers(self, viewer: Viewer) -> bool:
        """Whether a program hears this one's answer; while nobody typed, the first that comes."""
        if self._answerer is None:
            self._answerer = viewer
        return self._answerer is viewer
