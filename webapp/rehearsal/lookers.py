"""Who plays in a real browser: two learners at their lesson, and the instructor's wall."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from webapp.rehearsal.browser import Failed

if TYPE_CHECKING:
    from webapp.rehearsal.chromium import Chromium, Page

# The terminal's rows stand in the page as text where a screen reader is said to be there.
_WITH_ROWS = "localStorage.setItem('slip-screen-reader', '1')"
_SCREEN = (
    "[...document.querySelectorAll('.xterm-accessibility-tree > *')]"
    ".map(row => row.textContent.replaceAll('\\u00a0', ' ').trimEnd()).join('\\n')"
)
_JOIN = """(() => {
    const form = document.querySelector('form[data-join]');
    form.elements.name.value = NAME;
    form.requestSubmit();
})()"""
_VERDICT = "document.querySelector('slip-check')?.dataset.state"


class LearnerPage:
    """A learner who joins by the form, types into the page's terminal, and presses Check my work.

    Attributes:
        join_s: from the form to the prompt on the screen.
    """

    def __init__(self, page: Page, name: str) -> None:
        self._page = page
        self._name = name
        self._round = 0
        self.join_s = 0.0

    @classmethod
    async def sit_down(cls, browser: Chromium, url: str, code: str, name: str) -> LearnerPage:
        """Join, and wait for the prompt."""
        page = await browser.page()
        await page.before_each(_WITH_ROWS)
        await page.open(f"{url}/j/{code}")
        await page.until("document.querySelector('form[data-join]')", "the page to join by")
        learner = cls(page, name)
        started = time.perf_counter()
        await page.read(_JOIN.replace("NAME", json.dumps(name)))
        start = "document.querySelector('main a.button--main')"
        await page.until(start, "the way to the lesson")
        await page.read(f"{start}.click()")
        try:
            await page.until(f"/[$#] *$/.test({_SCREEN}.trimEnd() + ' ')", "a prompt")
        except Failed as failed:
            shown = await page.read(f"({_SCREEN}.trimEnd() || document.body.innerText).slice(-200)")
            raise Failed(f"{failed}, but {shown!r}") from None
        learner.join_s = time.perf_counter() - started
        return learner

    async def work(self) -> float:
        """Run a command by keys, and check; the seconds from Enter to the answer on the screen."""
        self._round += 1
        await self._page.read("document.querySelector('.xterm-helper-textarea').focus()")
        await self._page.type(f"echo browser-$((40 + {self._round}))")
        started = time.perf_counter()
        await self._page.type("\r")
        await self._page.until(f"{_SCREEN}.includes('browser-{40 + self._round}')", "an answer")
        took_s = time.perf_counter() - started
        await self._check()
        return took_s

    async def _check(self) -> None:
        """Press the button, where the step isn't passed already; passed or not, it has to say."""
        button = "document.querySelector('[data-check]:not([hidden])')"
        if not await self._page.read(f"Boolean({button})"):
            return
        await self._page.read(f"{button}.click()")
        await self._page.until(f"['passed', 'failed', 'broke'].includes({_VERDICT})", "a verdict")
        if await self._page.read(_VERDICT) == "broke":
            raise Failed("a check broke in a browser")

    def complaints(self) -> list[str]:
        """What the page's scripts failed at."""
        return self._page.complaints


class WallPage:
    """The instructor, who has the wall open."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @classmethod
    async def sit_down(
        cls, browser: Chromium, url: str, workshop: str, cookies: dict[str, str]
    ) -> WallPage:
        """Open the workshop's page, signed in."""
        page = await browser.page()
        await page.keep(url, cookies)
        await page.open(f"{url}/workshops/{workshop}")
        await page.until("document.querySelector('slip-wall')", "the wall")
        return cls(page)

    async def shows(self, learners: int) -> None:
        """Wait until each of the class has a tile.

        Raises:
            Failed: somebody has none.
        """
        tiles = "document.querySelectorAll('slip-wall [data-learner]').length"
        await self._page.until(f"{tiles} >= {learners}", f"{learners} tiles")

    def complaints(self) -> list[str]:
        """What the page's scripts failed at."""
        return self._page.complaints
