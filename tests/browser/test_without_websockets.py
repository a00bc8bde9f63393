"""A school's filter that strips websockets: all works by polling. And one that stops that, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, join
from tests.browser.test_everyone import fits_its_width, serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.conftest import Person

# A filter answers the opening with an error: to the page, sockets that fail.
STRIPPED = """
window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 3;
  constructor() {
    super();
    setTimeout(() => {
      this.onerror?.(new Event("error"));
      this.onclose?.(new CloseEvent("close"));
    });
  }
  send() {}
  close() {}
};
"""


def test_a_terminal_works_where_websockets_are_stripped(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = person()
    page.add_init_script(STRIPPED)
    learner = join(page, workshop["code"], "otter")
    learner.terminal.wait_connected()
    assert learner.terminal.ask("printf 'polled \\303\\251'; echo") == "polled é"
    learner.terminal.type("yes")
    learner.terminal.wait_for("^y *$")
    page.keyboard.press("Control+C")
    learner.terminal.wait_prompt()
    assert learner.terminal.ask("echo stopped") == "stopped"
    expect(page.locator(".term-strip__status")).to_have_text("Connected, slower")
    expect(page.locator(".term-note")).to_contain_text("This network lets no websocket through.")


OPENING = re.compile(r"/socket\.io/\?")


def cut(route: Route) -> None:
    route.abort()


def not_passed_on(route: Route) -> None:
    route.fulfill(status=502, body="Bad Gateway")


def test_a_page_that_loads_while_its_socket_is_refused_says_why(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = person(width=320, may_lose_connection=True)
    page.add_init_script(STRIPPED)
    page.route(OPENING, cut)
    page.goto(f"/j/{workshop['code']}")
    page.get_by_label("Your name").fill("otter")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Start the lesson").click()
    said = page.locator("[data-unreached]")
    expect(said).to_contain_text("live connections are cut off on the way.", timeout=SLOW_MS)
    assert fits_its_width(page)
    assert serious_faults(page) == []
    page.unroute(OPENING)
    page.route(OPENING, not_passed_on)
    page.reload()
    expect(said).to_contain_text("answers its live connection with 502.", timeout=SLOW_MS)
    page.unroute(OPENING)
    expect(said).to_have_count(0, timeout=SLOW_MS)
