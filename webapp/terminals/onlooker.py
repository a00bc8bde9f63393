"""Whoever looks at a terminal, as the terminal sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from webapp.terminals.messages import EndReason

Shown_contra = TypeVar("Shown_contra", contravariant=True)  # the kind of terminal


class Onlooker(Protocol[Shown_contra]):
    """What a terminal asks of whoever looks at it; viewers.Viewer is one."""

    def attach(self, terminal: Shown_contra, after: int | None, epoch: int | None) -> None:
        """Show this terminal from now on."""

    def push(self) -> None:
        """Send what there is and may be sent."""

    def send(self, frame: bytes) -> None:
        """Send a frame that isn't output."""

    def end(self, reason: EndReason) -> None:
        """Take the terminal away for good."""

    def send_away(self) -> None:
        """Close: somebody else serves the terminal now."""

    def holds_back(self, head: int) -> bool:
        """Whether the stream must wait for this one."""

    def tell_taken(self, count: int) -> None:
        """Of all that was typed into the terminal, the program has `count` bytes now."""
