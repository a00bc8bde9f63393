"""The play: one learner alone, then all of them, and how long things took."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp.rehearsal.browser import Failed
from webapp.rehearsal.people import Instructor, Learner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

JOIN_EACH_S = 0.3
"""How soon after one the next presses Join: a hundred within half a minute."""
KEY_EACH_S = 0.2
WALL_MOST_S = 30.0
KEYS_A_ROUND = 10
COMMAND = ("echo rehearsed-$((40 + 2))", rb"rehearsed-42\r")


@dataclass
class Seen:
    """What was measured; all times in seconds.

    Attributes:
        processors: the share of the machine's that was spent while all of them played.
        wall: how long after a check's answer the instructor's page had it.
        errors: what went wrong, in words.
    """

    joins: list[float] = field(default_factory=list)
    keys_alone: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    processors: float = 0.0


class Play:
    """One rehearsal.

    Args:
        url: of the server.
        code: of the workshop.
        size: how many learners.
        rounds: how often each types some, runs a command and checks.
    """

    def __init__(self, url: str, code: str, size: int, rounds: int) -> None:
        self.seen = Seen()
        self._learners = [Learner(url, code, f"learner {number}") for number in range(size)]
        self._url = url
        self._rounds = rounds
        # For each learner's name: which checks the wall spoke of, and when it first did.
        self._told: defaultdict[str, dict[float, float]] = defaultdict(dict)
        self._dice = random.Random(1)  # noqa: S311 - moments, no secrets

    async def perform(self, link: str, workshop: str) -> None:
        """All of it; what goes wrong for one keeps nobody else from going on."""
        instructor = Instructor(self._url, link, self._hear)
        await instructor.watch(workshop, secrets.token_hex())
        first, *others = self._learners
        try:
            await self._guarded(self._alone(first))
            spent, there_were = processor_ticks()
            await self._all([self._join(each, n * JOIN_EACH_S) for n, each in enumerate(others)])
            await self._all([self._work(each) for each in self._learners])
            ended = processor_ticks()
            self.seen.processors = (ended[0] - spent) / max(1, ended[1] - there_were)
        finally:
            instructor.leave()
            for each in self._learners:
                each.leave()

    async def _alone(self, learner: Learner) -> None:
        await self._join(learner, 0)
        if learner.terminal:
            await learner.terminal.run(*COMMAND)
            for _ in range(KEYS_A_ROUND * self._rounds):
                self.seen.keys_alone.append(await learner.terminal.press(b"x"))
                await asyncio.sleep(KEY_EACH_S)

    async def _join(self, learner: Learner, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await learner.join()
        self.seen.joins.append(learner.join_s)

    async def _work(self, learner: Learner) -> None:
        """Type, run a command, check; again and again, each in a time of their own."""
        if learner.terminal is None:
            return
        await asyncio.sleep(self._dice.uniform(0, KEY_EACH_S * KEYS_A_ROUND))
        for number in range(1, self._rounds + 1):
            for _ in range(KEYS_A_ROUND):
                self.seen.keys.append(await learner.terminal.press(b"x"))
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * KEY_EACH_S)
            await learner.terminal.run(*COMMAND)
            await learner.check()
            await self._on_the_wall(learner, number, time.perf_counter())

    async def _on_the_wall(self, learner: Learner, number: int, checked_at: float) -> None:
        """How long the instructor's page took to hear of a check; before its answer counts 0."""
        told = self._told[learner.name]
        limit = checked_at + WALL_MOST_S
        while len(told) < number and time.perf_counter() < limit:
            await asyncio.sleep(0.01)
        heard_at = list(told.values())[number - 1] if len(told) >= number else limit
        self.seen.wall.append(max(0.0, heard_at - checked_at))

    def _hear(self, row: dict[str, Any]) -> None:
        if last := row.get("last"):
            self._told[str(row["name"])].setdefault(last["at"], time.perf_counter())

    async def _all(self, parts: Sequence[Awaitable[None]]) -> None:
        await asyncio.gather(*map(self._guarded, parts))

    async def _guarded(self, part: Awaitable[None]) -> None:
        try:
            await part
        except (Failed, OSError, TimeoutError) as error:
            self.seen.errors.append(str(error) or "no answer in time")


def processor_ticks() -> tuple[int, int]:
    """How much of the machine's processors' time was spent since it began, and how much was."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, idle, waiting, *rest = map(int, line.split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + waiting


def p99(values: Sequence[float]) -> float:
    """What 99 of 100 stayed below; 0 where nothing was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0
