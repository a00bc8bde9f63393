"""A learner whose network is lost, and comes back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.screens import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page

    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person


# What the terminals' place was at least as high as, from now on.
LOWEST = """() => {
    const place = document.querySelector(".slip-terminal__place");
    window.lowest = place.clientHeight;
    new ResizeObserver(() => {
        window.lowest = Math.min(window.lowest, place.clientHeight);
    }).observe(place);
    return window.lowest;
}"""


@contextmanager
def told_by_the_browser(page: Page, _classroom: Classroom) -> Iterator[None]:
    """The browser itself says that it is offline."""
    page.context.set_offline(offline=True)
    yield
    page.context.set_offline(offline=False)


@contextmanager
def cable_out(_page: Page, classroom: Classroom) -> Iterator[None]:
    """The computer's only link is down."""
    classroom.set_cable("down")
    try:
        yield
    finally:
        classroom.set_cable("up")


@pytest.mark.parametrize("lost", [told_by_the_browser, cable_out])
def test_the_same_shell_and_screen_are_there_when_the_network_is_back(
    person: Person,
    workshop: dict[str, Any],
    classroom: Classroom,
    lost: Callable[[Page, Classroom], AbstractContextManager[None]],
) -> None:
    ben = join(person(may_lose_connection=True), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; echo one line that stays")
    ben.terminal.type("while [ ! -e ~/go ]; do sleep 0.1; done; seq 3; rm ~/go")
    before = ben.terminal.wait_for("rm ~/go$")
    height = ben.page.evaluate(LOWEST)
    with lost(ben.page, classroom):
        expect(ben.page.get_by_text("Your container is still running.")).to_be_visible()
        ben.page.keyboard.type("typed while away")
        expect(ben.page.get_by_text("Typing is paused")).not_to_have_count(0)
    ben.terminal.wait_connected()
    assert ben.terminal.text() == before
    ben.page.keyboard.press("Control+C")
    ben.terminal.wait_prompt()
    assert ben.terminal.ask("echo $marker") == "kept"
    assert ben.page.evaluate("window.lowest") == height  # notes have a row of their own
