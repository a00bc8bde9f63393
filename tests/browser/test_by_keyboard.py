"""Lesson 0 from the join page to its end, without a pointer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Person

MOST_STOPS = 60
SETTLE_MS = 600  # so long a press after a passed check is taken for a second one
LEAVE = "Control+Shift+L"


class Keyboard:
    """Walks by Tab as someone without a pointer does, and looks where the focus is."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._keys = page.keyboard

    def walk_to(self, target: Locator, key: str = "Tab") -> None:
        """Press Tab until the target has the focus, and see that it shows."""
        for _ in range(MOST_STOPS):
            if target.evaluate("element => element === document.activeElement"):
                break
            self._keys.press(key)
        expect(target).to_be_focused()
        assert target.evaluate(_HAS_RING), "the focus isn't seen"

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Walk to a control and press it."""
        self.walk_to(target)
        self._keys.press(key)

    def type_in_terminal(self, act: Callable[[], object]) -> None:
        """Go into the terminal, act there, and leave it to where one was."""
        self._keys.press("Control+Backquote")
        act()
        self._keys.press(LEAVE)


# A ring is drawn by the control, over it, or by the label around it.
_HAS_RING = """element => {
    const around = element.closest("label") ?? element;
    const looks = [getComputedStyle(element), getComputedStyle(around)];
    const isOutlined = look => look.outlineStyle !== "none" && look.outlineWidth !== "0px";
    const over = getComputedStyle(element, "::after");
    return looks.some(isOutlined) || (over.content !== "none" && over.borderTopStyle !== "none");
}"""


def test_lesson_0_is_passed_with_the_keyboard_alone(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = person()
    keyboard, terminal = Keyboard(page), Terminal(page)
    page.goto("/")
    page.keyboard.type(workshop["code"].lower().replace("-", ""))
    expect(page.get_by_text(workshop["title"])).to_be_visible()
    keyboard.walk_to(page.get_by_label("Your name"))
    page.keyboard.type("Chi")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Start the lesson")).to_be_focused()
    page.keyboard.press("Enter")
    terminal.wait_prompt()
    assert (
        page.evaluate("isSecureContext") is False
    )  # a classroom has an address and no certificate

    def type_line(line: str) -> None:
        page.keyboard.type(line)
        page.keyboard.press("Enter")

    def stop_both() -> None:
        type_line("sleep 1000")
        terminal.wait_for("sleep 1000$")
        page.keyboard.press("Control+c")
        terminal.wait_prompt()
        type_line("less /etc/services")
        terminal.wait_for("^# Network services")
        page.keyboard.press("q")
        terminal.wait_prompt()

    def twice() -> None:
        type_line("date; echo $((20 + 1))")
        terminal.wait_for("^21$")
        terminal.wait_prompt()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        terminal.wait_for(r"^21$[\s\S]*^21$")
        terminal.wait_prompt()

    def whoami() -> None:
        type_line("whoami")
        terminal.wait_for("^learner$")
        terminal.wait_prompt()  # the command counts as run once its prompt is back

    def note() -> None:
        type_line("echo hello > ~/note")
        terminal.wait_for("~/note$")
        terminal.wait_prompt()

    main = page.get_by_role("button", name=re.compile("^Check my"))
    deeds: list[tuple[str, Callable[[], object]]] = [
        ("A prompt", whoami),
        ("Stop and get out", stop_both),
        ("Again, and copy", twice),
        ("Yours only", note),
    ]
    for number, (title, act) in enumerate(deeds, 1):
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        terminal.wait_prompt()
        keyboard.type_in_terminal(act)
        if number == len(deeds):
            keyboard.walk_to(page.get_by_role("radio").first)
            page.keyboard.press("Space")
            keyboard.press(page.get_by_role("button", name="Answer", exact=True))
        keyboard.press(main)
        expect(page.locator("slip-check")).to_have_attribute("data-state", "passed")
        expect(page.get_by_text(f"Step {number} done")).to_be_visible()
        onward = page.locator("[data-onward]")
        expect(onward).to_be_focused()
        settled = page.evaluate("performance.now()") + SETTLE_MS
        page.wait_for_function("at => performance.now() > at", arg=settled)
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The request")).to_be_visible()


def test_the_terminal_is_a_stop_and_no_trap(person: Person, workshop: dict[str, Any]) -> None:
    page = person()
    page.goto(f"/j/{workshop['code']}")
    page.get_by_label("Your name").fill("Chi")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Start the lesson").click()
    Terminal(page).wait_prompt()
    keyboard = Keyboard(page)
    group = page.get_by_role("group", name=re.compile("press Enter to type"))
    keyboard.walk_to(group)
    page.keyboard.press("Tab")
    expect(group).not_to_be_focused()
    keyboard.walk_to(group, "Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("echo inside")
    page.keyboard.press("Enter")
    Terminal(page).wait_for("^inside$")
    page.keyboard.press(LEAVE)
    expect(page.get_by_label("Terminal input")).not_to_be_focused()
