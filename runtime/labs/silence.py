"""Labs whose networks hold back what the kernel says for the whole machine.

Some hundred answers to pings that wait in a queue of a lab's own are enough, far less than is
weighed for: then the server answers no ping any more, and who is refused waits instead.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.answers import Answers
from runtime.kernel.turns import Turns
from runtime.labs.limit_news import News

if TYPE_CHECKING:
    from runtime.labs.heavy import Heavy
    from runtime.labs.watched import WatchedLabs

log = structlog.get_logger()

_LOOK_S = 1.0
_TIMES, _SETTLE_S = 4, 0.25  # asked so often, so far apart: a word may only be late
_IN_VAIN_S = 300.0  # nobody is ended again for what no lab holds
_SAID = News(
    "networks",
    "The programs in networks that your container made were ended: what waited there held up the "
    "server's own answers, for everybody.",
    "Let queues (tc) hold back less, or for a shorter time.",
)


class SilenceWatch:
    """A thread that asks whether the kernel's answers are heard, while labs may make networks.

    Args:
        labs: those that are watched.
        heavy: ends who is in such networks.
    """

    def __init__(self, labs: WatchedLabs, heavy: Heavy) -> None:
        self._labs = labs
        self._heavy = heavy
        self._answers: Answers | None = None
        self._not_before = 0.0
        self._turns = Turns("silence", _LOOK_S, self._look, "labs.silence_failed")

    def start(self) -> None:
        """Begin to ask."""
        self._turns.start()

    def stop(self) -> None:
        """Ask no more."""
        self._turns.stop()
        if self._answers:
            self._answers.close()

    def _look(self) -> None:
        own = self._labs.with_own()
        for _ in range(_TIMES):
            if not own or self._are_heard() or self._turns.are_stopped_within(_SETTLE_S):
                return
        if time.monotonic() < self._not_before:
            return
        for lab_id in self._by_what_waits(own):
            self._end_within(lab_id)
            if self._are_heard():
                return
        self._not_before = time.monotonic() + _IN_VAIN_S
        log.warning("network.answers_not_heard")  # something else on the machine holds them back

    def _are_heard(self) -> bool:
        self._answers = self._answers or Answers()
        return self._answers.are_heard()

    def _by_what_waits(self, lab_ids: list[str]) -> list[str]:
        """Those of them in whose networks anything waits, the one with most first."""
        weights = self._labs.weigh(lab_ids, "answers")
        waits = {lab_id: weight.waits for lab_id, weight in weights.items() if weight.waits}
        return sorted(waits, key=lambda lab_id: -waits[lab_id])

    def _end_within(self, lab_id: str) -> None:
        with self._labs.alone(lab_id, "answers"):
            with self._labs.lock:
                watched = self._labs.get(lab_id)
                is_news = watched is not None and self._heavy.end_within(watched)
            if watched and is_news:
                log.warning("labs.networks_hold_answers", lab=lab_id)
                self._labs.tell(watched.lab, _SAID)
