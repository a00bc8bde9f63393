"""What the network refused a lab, in words for its learner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.network.router import Router
    from runtime.network.rules import Refusals

log = structlog.get_logger()

_SENTENCES = {
    "internet": "Refused: this container has no internet, as your workshop was set up.",
    "mail": "Refused: no container of this server may send mail (port 25).",
    "connections": "Refused: your container has too many connections to outside, or opens "
    "too many in a second. End some, or wait a moment.",
    "unlisted": "Refused: this address belongs to no name on your workshop's list. "
    "Connect by a name that is on it.",
}


class RefusalNews:
    """Tells what was refused since the last look.

    Args:
        router: counts.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._seen: dict[str, Refusals] = {}

    def look(self) -> Iterator[tuple[str, str, str]]:
        """Lab, limit and sentence of each new refusal; one call for all labs."""
        try:
            now = self._router.refusals()
        except Problem:
            log.exception("network.refusals_unread")
            return
        before, self._seen = self._seen, now
        for lab, counts in now.items():
            for limit, sentence in _SENTENCES.items():
                seen = getattr(before.get(lab), limit, 0)
                if getattr(counts, limit) > seen:
                    yield lab, limit, self._said(lab, limit) or sentence

    def _said(self, lab: str, limit: str) -> str:
        name = self._router.take_refused_name(lab) if limit == "unlisted" else ""
        return name and (
            f"Refused: {name} isn't on your workshop's list of names. Your instructor can add it."
        )
