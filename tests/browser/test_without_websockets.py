"""A school's filter that strips websockets: everything works by polling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import join

if TYPE_CHECKING:
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
