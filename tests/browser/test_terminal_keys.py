"""The keys of each platform in a terminal, as its browsers dispatch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import SitDown
    from tests.browser.screens import Joined

    Sit = Callable[[str], Joined]

PLATFORMS = {"windows": "Win32", "linux": "Linux x86_64", "mac": "MacIntel"}
CONTROL, ALT, SHIFT = 2, 1, 8
CYRILLIC_S = "\u0441"  # where others have a C


@pytest.fixture
def sit(heron: SitDown) -> Sit:
    """A learner whose browser says that it runs on one platform."""

    def sit_down(platform: str) -> Joined:
        says = f"{{get: () => '{PLATFORMS[platform]}'}}"
        return heron(script=f"Object.defineProperty(Navigator.prototype, 'platform', {says})")

    return sit_down


def dispatch(learner: Joined, key: str, code: str, vk: int, modifiers: int, text: str = "") -> None:
    """One key, down and up, as the browser's own process gives it to the page."""
    session = learner.page.context.new_cdp_session(learner.page)
    what = {"key": key, "code": code, "windowsVirtualKeyCode": vk, "modifiers": modifiers}
    down = "keyDown" if text else "rawKeyDown"
    session.send("Input.dispatchKeyEvent", {**what, "type": down, "text": text})
    session.send("Input.dispatchKeyEvent", {**what, "type": "keyUp"})


@pytest.mark.parametrize("platform", ["windows", "mac"])
def test_what_is_selected_is_copied_and_only_then_ctrl_c_interrupts(
    sit: Sit, platform: str
) -> None:
    learner = sit(platform)
    keys = learner.page.keyboard
    learner.terminal.run("echo word-of-$((40 + 2))")
    learner.terminal.type("cat")
    learner.terminal.wait_for("cat$")
    learner.terminal.select_line("word-of-42")
    keys.press("Meta+C" if platform == "mac" else "Control+C")
    keys.type("still here")
    keys.press("Enter")
    learner.terminal.wait_for("^still here\nstill here$")
    if platform == "mac":  # there Ctrl C is the shell's, whatever is selected
        learner.terminal.select_line("word-of-42")
    keys.press("Control+C")
    learner.terminal.wait_prompt()
    keys.type("echo got ")
    keys.press("Control+Shift+V" if platform == "mac" else "Control+V")
    learner.terminal.wait_for(r"\$ echo got word-of-42$")


def test_selected_text_survives_new_output(sit: Sit) -> None:
    learner = sit("linux")
    keys = learner.page.keyboard
    learner.terminal.run("(sleep 2; echo later) & echo first-$((40 + 2))")
    learner.terminal.select_line("first-42")
    learner.terminal.wait_for("later$")
    keys.press("Control+C")
    keys.type("echo got ")
    keys.press("Control+V")
    learner.terminal.wait_for("echo got first-42$")


def test_the_chords_of_a_russian_keyboard_are_those_in_the_same_place(sit: Sit) -> None:
    learner = sit("windows")
    learner.terminal.run("echo word-of-$((40 + 2))")
    learner.terminal.type("cat")
    learner.terminal.wait_for("cat$")
    learner.terminal.select_line("word-of-42")
    dispatch(learner, CYRILLIC_S, "KeyC", 67, CONTROL)
    learner.page.keyboard.type("on")
    learner.terminal.wait_for("^on$")
    dispatch(learner, CYRILLIC_S, "KeyC", 67, CONTROL)
    learner.terminal.wait_prompt()
    dispatch(learner, "Д", "KeyL", 76, CONTROL | SHIFT)
    learner.page.wait_for_function("() => !document.activeElement.closest('.xterm')")


@pytest.mark.parametrize(
    ("platform", "modifiers"), [("windows", CONTROL | ALT), ("linux", 0), ("mac", ALT)]
)
def test_signs_of_the_third_level_reach_the_shell_once(
    sit: Sit, platform: str, modifiers: int
) -> None:
    """AltGr is Ctrl and Alt on Windows, a level of its own on Linux; on a Mac it is Option."""
    learner = sit(platform)
    learner.terminal.enter()
    learner.page.keyboard.type("echo ")
    dispatch(learner, "@", "KeyQ", 81, modifiers, "@")
    dispatch(learner, "€", "KeyE", 69, modifiers, "€")
    dispatch(learner, "\\", "Minus", 189, modifiers, "\\")
    learner.page.keyboard.type("\\")
    learner.page.keyboard.press("Enter")
    learner.terminal.wait_for(r"^@€\\$")


def test_dead_keys_and_input_methods_reach_the_shell_once(sit: Sit) -> None:
    learner = sit("linux")
    learner.terminal.enter()
    session = learner.page.context.new_cdp_session(learner.page)
    learner.page.keyboard.type("echo xy")
    learner.page.keyboard.press("ArrowLeft")
    for half, whole in (("~", "ñ"), ("に", "日本")):
        session.send(
            "Input.imeSetComposition", {"text": half, "selectionStart": 1, "selectionEnd": 1}
        )
        session.send("Input.insertText", {"text": whole})
        learner.terminal.wait_for(f"{whole}y$")
    session.send("Input.insertText", {"text": "😀"})  # no key: a list of emoji, or dictation
    learner.terminal.wait_for("😀y$")
    learner.page.keyboard.press("Enter")
    learner.terminal.wait_for("^xñ日本😀y$")


def test_keys_that_browsers_keep_are_sent_from_the_menu(sit: Sit) -> None:
    learner = sit("windows")
    learner.terminal.enter()
    learner.page.keyboard.type("echo one two")
    learner.page.locator("[aria-label='Terminal menu']").click()
    learner.page.get_by_role("button", name="Send Ctrl W").click()
    learner.page.keyboard.press("Enter")  # the keyboard is in the terminal again
    learner.terminal.wait_for("^one$")
