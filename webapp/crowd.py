"""Who holds the server's connections: strangers together so many, each person so many.

A connection costs nothing to open and nothing to keep, so one stranger who opens thousands and says
nothing (or a letter a minute) would keep a whole class out. Whoever is known by their cookie has a
share of their own; of all others, the connection gives way that has waited longest for a request.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# In the request's environ, put there by server.py.
HELD = "slipway.held"
STRANGERS_MOST = 2048
PERSON_MOST = 64  # six of a browser, and a socket for each terminal and page

_STRANGERS = ""


class Held:
    """One connection, from its opening to its end.

    Args:
        crowd: that it is one of.
        end: closes it; may be called at any moment.
    """

    def __init__(self, crowd: Crowd, end: Callable[[], None]) -> None:
        self._crowd = crowd
        self.end = end
        self.who = _STRANGERS

    def asks(self) -> None:
        """A request begins: of those of the same holder it is now the youngest."""
        self._crowd.moved(self, self.who)

    def belongs(self, who: str) -> None:
        """It has shown whose it is.

        Args:
            who: any name that no other person has.
        """
        self._crowd.moved(self, who)

    def left(self) -> None:
        """It is closed."""
        self._crowd.left(self)


class Crowd:
    """All connections of one server; for one thread, or greenlets of one.

    Args:
        strangers_most: how many of them at once.
        person_most: how many of one person.
    """

    def __init__(
        self, strangers_most: int = STRANGERS_MOST, person_most: int = PERSON_MOST
    ) -> None:
        self._strangers_most = strangers_most
        self._person_most = person_most
        # A dict keeps the order in which they came.
        self._by_holder: defaultdict[str, dict[Held, None]] = defaultdict(dict)

    def came(self, end: Callable[[], None]) -> Held:
        """Count a new connection; where there are too many, the oldest is closed."""
        held = Held(self, end)
        self.moved(held, _STRANGERS)
        return held

    def moved(self, held: Held, who: str) -> None:
        """Count it as somebody's, and as the youngest of theirs."""
        self.left(held)
        held.who = who
        theirs = self._by_holder[who]
        theirs[held] = None
        if len(theirs) > (self._person_most if who else self._strangers_most):
            oldest = next(iter(theirs))
            self.left(oldest)
            oldest.end()

    def left(self, held: Held) -> None:
        """Count it no more; nothing happens where it wasn't."""
        theirs = self._by_holder.get(held.who, {})
        theirs.pop(held, None)
        if not theirs:
            self._by_holder.pop(held.who, None)
