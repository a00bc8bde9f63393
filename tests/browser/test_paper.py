"""A lesson on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import join
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Person

# What is there at the moment when the browser lays the paper out.
NOTE_PRINTED = """addEventListener("beforeprint", () => {
    window.printed = [...document.querySelectorAll("main h1")].map(each => each.textContent.trim());
    window.commands = [...document.querySelectorAll("main slip-command code")].map(
        each => each.textContent);
    window.hints = document.querySelectorAll("main .paper__hint").length;
})"""


OPEN_HINT = re.compile(r'data-press="hint-1" open')


def is_kept(page: Page) -> bool:
    """Whether the server draws a hint open that was opened; asked beside the page, which stays."""
    return OPEN_HINT.search(page.request.get(page.url).text()) is not None


def test_a_printed_lesson_has_all_its_steps_and_the_hints_that_were_opened(
    person: Person, workshop: dict[str, Any]
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    ben.page.get_by_text("Show hint 1").click()
    wait_for(lambda: is_kept(ben.page), "the server's knowledge of the hint")
    ben.page.goto("/lab/00-your-terminal/03-again-and-copy")
    title = ben.page.get_by_role("heading", level=1, name="Again, and copy", exact=True)
    expect(title).to_be_visible()
    ben.terminal.wait_connected()
    ben.page.evaluate(NOTE_PRINTED)
    assert ben.page.pdf().startswith(b"%PDF")
    assert ben.page.evaluate("window.printed") == [
        "A prompt",
        "Stop and get out",
        "Again, and copy",
        "Yours only",
    ]
    assert {"whoami", "sleep 1000", "date"} <= set(ben.page.evaluate("window.commands"))
    assert ben.page.evaluate("window.hints") == 1
    expect(title).to_be_visible()
