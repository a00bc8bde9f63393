"""The play: one learner alone, then all, three of them in real browsers; how long things took."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from webapp.rehearsal.browser import Failed
from webapp.rehearsal.chromium import Chromium
from webapp.rehearsal.lookers import LearnerPage, WallPage
from webapp.rehearsal.people import Instructor, Learner
from webapp.rehearsal.processors import Processors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

JOIN_EACH_S = 0.3
"""How soon after one the next presses Join: a hundred within half a minute."""
KEY_EACH_S = 0.2
READ_S = 8.0
"""For how long somebody reads before they type again: half of it to half more."""
ALONE_TIMES = 5
"""So much faster types the first, alone: the slowest of a hundred is told by some hundreds."""
WALL_MOST_S = 30.0
KEYS_A_ROUND = 10
COMMAND = ("echo rehearsed-$((40 + 2))", rb"rehearsed-42\r")
BROWSERS = "real browsers"  # as errors name them
BROWSER_LEARNERS = 2  # beside the class; the third browser is the instructor's
QUIET_S = 3.0
"""How long is looked at what other programs take of the processors, before anybody plays."""


@dataclass
class Seen:
    """What was measured; all times in seconds.

    Attributes:
        wall: how long after a check's answer the instructor's page had it.
        browser_joins: of learners in real browsers.
        browser_answers: from Enter there to the answer on the screen.
        errors: what went wrong, in words.
        processors: what of the machine's was spent while all of them played, and by whom.
        browsers: how many real ones there were.
    """

    joins: list[float] = field(default_factory=list)
    keys_alone: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    browser_joins: list[float] = field(default_factory=list)
    browser_answers: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    processors: Processors = field(default_factory=Processors)
    browsers: int = 0


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
        self._pages: list[LearnerPage] = []
        self._wall: WallPage | None = None
        self._url = url
        self._code = code
        self._rounds = rounds
        # For each learner's name: which checks the wall spoke of, and when it first did.
        self._told: defaultdict[str, dict[float, float]] = defaultdict(dict)
        self._dice = random.Random(1)  # noqa: S311 - moments, no secrets

    async def perform(self, link: str, workshop: str) -> None:
        """All of it; what goes wrong for one keeps nobody else from going on."""
        instructor = Instructor(self._url, link, self._hear)
        await instructor.watch(workshop, secrets.token_hex())
        first, *others = self._learners
        async with AsyncExitStack() as undo:
            undo.callback(self._leave, instructor)
            await self.seen.processors.look_at_others(QUIET_S)
            await self._guarded(first.name, self._alone(first))
            browser = await self._browser(undo)
            self.seen.processors.begin(browser.session if browser else None)
            joins = [
                (each.name, self._join(each, n * JOIN_EACH_S)) for n, each in enumerate(others)
            ]
            looks = [(BROWSERS, self._look(browser, workshop, instructor))] if browser else []
            await self._all([*joins, *looks])
            works = [(each.name, self._work(each)) for each in self._learners]
            looks = [(BROWSERS, self._work_there(each)) for each in self._pages]
            await self._all([*works, *looks])
            self.seen.processors.end()
            await self._guarded(BROWSERS, self._count())

    def _leave(self, instructor: Instructor) -> None:
        instructor.leave()
        for each in self._learners:
            each.leave()

    async def _browser(self, undo: AsyncExitStack) -> Chromium | None:
        """A real one, where this machine has it; one that doesn't begin is an error like others."""
        try:
            return await undo.enter_async_context(Chromium.started())
        except FileNotFoundError:
            return None

    async def _look(self, browser: Chromium, workshop: str, instructor: Instructor) -> None:
        """Three people sit down at real browsers, one after the other, while others join."""
        self._wall = await WallPage.sit_down(browser, self._url, workshop, instructor.cookies)
        self.seen.browsers += 1
        for number in range(BROWSER_LEARNERS):
            name = f"browser {number}"
            page = await LearnerPage.sit_down(browser, self._url, self._code, name)
            self._pages.append(page)
            self.seen.browsers += 1
            self.seen.browser_joins.append(page.join_s)

    async def _work_there(self, page: LearnerPage) -> None:
        for _ in range(self._rounds):
            self.seen.browser_answers.append(await page.work())

    async def _count(self) -> None:
        """Whether everybody is on the instructor's wall; and what the browsers complained of."""
        if self._wall:
            await self._wall.shows(len(self.seen.joins) + len(self._pages))
        pages: list[LearnerPage | WallPage] = [*self._pages, *([self._wall] if self._wall else [])]
        self.seen.errors += [f"{BROWSERS}: {said}" for page in pages for said in page.complaints()]

    async def _alone(self, learner: Learner) -> None:
        await self._join(learner, 0)
        if learner.terminal:
            await learner.terminal.run(*COMMAND)
            for _ in range(KEYS_A_ROUND * self._rounds * ALONE_TIMES):
                self.seen.keys_alone.append(await learner.terminal.press(b"x"))
                await asyncio.sleep(KEY_EACH_S / ALONE_TIMES)

    async def _join(self, learner: Learner, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await learner.join()
        self.seen.joins.append(learner.join_s)

    async def _work(self, learner: Learner) -> None:
        """Type, run a command, check, read; again and again, each in a time of their own."""
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
            if number < self._rounds:
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * READ_S)

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

    async def _all(self, parts: Sequence[tuple[str, Awaitable[None]]]) -> None:
        await asyncio.gather(*(self._guarded(who, part) for who, part in parts))

    async def _guarded(self, who: str, part: Awaitable[None]) -> None:
        try:
            await part
        except (Failed, OSError, TimeoutError) as error:
            self.seen.errors.append(f"{who}: {str(error) or 'no answer in time'}")


def p99(values: Sequence[float]) -> float:
    """What 99 of 100 stayed below; 0 where nothing was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0
