"""A learner whose network is lost, and comes back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.screens import LOWEST, SLOW_MS, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page, Route

    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person


HAS_FILE = """file => document.readyState === "complete" && (
    [...document.styleSheets].some(sheet => sheet.href?.includes(file))
    || (file.endsWith(".js") && document.querySelector("slip-terminal")?.connection)
)"""


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


@pytest.mark.parametrize("file", ["js/terminal/link.js", "css/components/terminal.css"])
def test_a_page_that_lost_one_of_its_files_on_the_way_loads_again_by_itself(
    person: Person, workshop: dict[str, Any], file: str
) -> None:
    page = person(may_lose_connection=True)
    loaded: list[str] = []
    page.on("load", lambda page: loaded.append(page.url))

    def lose_until_it_loads_again(route: Route) -> None:
        if any("/lab/" in url for url in loaded):
            route.continue_()
        else:
            route.abort("connectionreset")

    page.route(f"**/static/{file}*", lose_until_it_loads_again)
    page.goto(f"/j/{workshop['code']}")
    page.get_by_label("Your name").fill("Ben")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Start the lesson").click()
    page.wait_for_function(HAS_FILE, arg=file, timeout=SLOW_MS)


def test_a_page_that_never_arrives_whole_says_what_to_do(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = person(may_lose_connection=True)
    page.route("**/static/js/page/join.js*", lambda route: route.abort("connectionreset"))
    page.add_init_script("sessionStorage.setItem('slip-tries', '5')")
    page.goto(f"/j/{workshop['code']}")
    expect(page.get_by_role("alert").filter(has_text="try another network")).to_be_visible()
