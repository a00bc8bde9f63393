"""What a person sees and does on Slipway's pages, so that a test reads like a protocol."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

SLOW_MS = 30_000
"""How long a lab, a shell or a server that starts again may take on a busy machine."""

PROMPT = r"learner@(lab|vm)-[0-9a-f]+:\S* ?\$ *$"
_LONGEST_ECHO = 20
_NUMBERS = count(1)

# The rows of the terminal in front, as xterm.js gives them to a screen reader.
_ROWS = """() => {
    const trees = [...document.querySelectorAll("PLACE .xterm-accessibility-tree")];
    const seen = trees.find(tree => tree.closest("[hidden]") === null);
    return [...(seen?.children ?? [])].map(row => row.textContent.replaceAll("\\u00a0", " "));
}"""


_PASTE = """text => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    const how = {clipboardData, bubbles: true, cancelable: true};
    const fields = [...document.querySelectorAll("PLACE .xterm-helper-textarea")];
    const field = fields.find(each => each.closest("[hidden]") === null);
    field.dispatchEvent(new ClipboardEvent("paste", how));
}"""


# What the terminals' place was at least as high as, from now on.
LOWEST = """() => {
    const place = document.querySelector(".slip-terminal__place");
    window.lowest = place.clientHeight;
    new ResizeObserver(() => {
        window.lowest = Math.min(window.lowest, place.clientHeight);
    }).observe(place);
    return window.lowest;
}"""


class Terminal:
    """The terminal in front, read through its accessibility tree.

    Args:
        page: where it is.
        side: whose it is, where there are two beside each other: `container` or `machine`.
    """

    def __init__(self, page: Page, side: str = "container") -> None:
        self._page = page
        self._place = f"slip-terminal[data-side={side}]"
        self._rows = _ROWS.replace("PLACE", self._place)

    def text(self) -> str:
        """The screen, without the empty rows at its end."""
        return _trimmed(self._page.evaluate(self._rows))

    def wait_for(self, pattern: str) -> str:
        """The screen that matches, as it is then: a program may be drawing it anew already."""
        found = self._page.wait_for_function(
            f"""source => {{
                const screen = ({self._rows})().join("\\n").trimEnd();
                return new RegExp(source, "m").test(screen) && screen;
            }}""",
            arg=pattern,
            timeout=SLOW_MS,
            polling=50,
        )
        return _trimmed(str(found.json_value()).split("\n"))

    def wait_prompt(self) -> str:
        """The screen, once the shell waits for a line."""
        return self.wait_for(PROMPT)

    def wait_connected(self) -> None:
        """Wait until what is typed is taken; what is typed before is not sent later."""
        self._page.wait_for_function(
            f"() => document.querySelector('{self._place}').connection === 'connected'",
            timeout=SLOW_MS,
        )

    def enter(self) -> None:
        """Go into the terminal by pointer, as most learners do."""
        self._page.locator(f"{self._place} .xterm-screen >> visible=true").first.click()

    def place_of(self, text: str) -> tuple[float, float]:
        """Where on the page the last row begins that is just this text."""
        rows: list[str] = self._page.evaluate(self._rows)
        row = max(at for at, each in enumerate(rows) if each.strip() == text)
        screen = self._page.locator(f"{self._place} .xterm-screen >> visible=true").first
        box = screen.bounding_box()
        assert box
        return box["x"] + 12, box["y"] + (row + 0.5) * box["height"] / len(rows)

    def select_line(self, text: str) -> None:
        """Select the last row that is just this one word, as a double click does."""
        self._page.mouse.dblclick(*self.place_of(text))

    def paste(self, text: str) -> None:
        """What a browser does with a paste, whatever is on this computer's clipboard."""
        self._page.evaluate(_PASTE.replace("PLACE", self._place), text)

    def type(self, line: str) -> None:
        """Type a line and Enter, once keys are taken."""
        self.wait_connected()
        self.enter()
        self._page.keyboard.type(line)
        self._page.keyboard.press("Enter")

    def run(self, command: str) -> str:
        """Type a command; the screen once its prompt is back."""
        self.type(command)
        self.wait_for(re.escape(command[-_LONGEST_ECHO:]))
        return self.wait_prompt()

    def ask(self, command: str) -> str:
        """What a command prints, without the lines around it."""
        mark = f"end-of-answer-{next(_NUMBERS)}"
        self.type(f"clear; {command}; echo '{mark[:3]}''{mark[3:]}'")
        return self.wait_for(f"^{mark} *$").partition(mark)[0].strip()


@contextmanager
def reconnecting(page: Page) -> Iterator[None]:
    """What is done here takes a terminal's connection from a page: go on once there is another.

    Until the page has noticed, it calls itself connected, and what is typed then is lost.
    """
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    yield
    wait_for(
        lambda: page.evaluate("1") and any("/terminal/" in url for url in opened),
        "another connection of a terminal",
        deadline_s=SLOW_MS / 1000,
    )


@dataclass
class Joined:
    """One learner in one browser context."""

    page: Page
    name: str
    pin: str

    @property
    def terminal(self) -> Terminal:
        """The terminal in front."""
        return Terminal(self.page)

    def check(self) -> Locator:
        """Ask whether the step is done; the check, once it has answered."""
        check = self.page.locator("slip-check")
        again = self.page.get_by_role("button", name="Check again")
        (
            again if again.is_visible() else self.page.get_by_role("button", name="Check my work")
        ).click()
        expect(check).to_have_attribute("data-state", re.compile("passed|failed|broke"))
        return check

    def onward(self) -> None:
        """Go on to the next step; the page takes no press within 600 ms of a passed check."""
        here = self.page.url
        while self.page.url == here:
            with suppress(PlaywrightTimeout):  # the next page may have come between the two lines
                self.page.locator("[data-onward]").click(timeout=5000)
                self.page.wait_for_url(lambda url: url != here, timeout=1000)
        self.terminal.wait_prompt()


def join(page: Page, code: str, name: str) -> Joined:
    """Join as a learner does, up to the first prompt."""
    page.goto(f"/j/{code}")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    pin = page.locator(".join__shown-pin").inner_text()
    page.get_by_role("link", name="Start the lesson").click()
    joined = Joined(page, name, pin)
    joined.terminal.wait_prompt()
    return joined


def _trimmed(rows: list[str]) -> str:
    return "\n".join(row.rstrip() for row in rows).rstrip()
