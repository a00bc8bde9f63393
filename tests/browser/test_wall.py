"""The wall and helping: an instructor and a learner at two browsers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.screens import Terminal, join
from tests.browser.test_everyone import fits_its_width, serious_faults
from tests.browser.test_instructor import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import Person, WebCommand

HOSTILE = "<img src=x onerror=alert(1)>"
COLOURS = """() => {
    const canvas = document.querySelector("[data-picture]");
    const { width, height } = canvas;
    if (!width || !height) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size > 2;
}"""


@pytest.fixture(autouse=True)
def _be_patient() -> Iterator[None]:
    """What goes by way of two browsers takes its time on a busy machine."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


def instructor(page: Page, web_command: WebCommand, name: str, workshop: dict[str, Any]) -> Page:
    """Signed in, at the wall of a workshop."""
    link = urlsplit(web_command("person", "instructor", "add", name).split()[0]).path
    sign_in(page, link)
    page.goto(urlsplit(workshop["page"]).path)
    return page


def test_a_hand_is_seen_helped_at_the_keyboard_and_lowered(
    person: Person, web_command: WebCommand, workshop: dict[str, Any]
) -> None:
    grace = instructor(person(), web_command, "grace", workshop)
    ben = join(person(), workshop["code"], "Ben")
    tile = grace.get_by_role("link", name=re.compile("Ben"))
    expect(tile).to_be_visible()
    ben.page.get_by_role("button", name="Raise hand").click()
    expect(ben.page.get_by_role("button", name="Hand up · 1st in line")).to_be_visible()
    ben.page.get_by_label("What is it about?").fill("kill?")
    ben.page.get_by_role("button", name="Tell", exact=True).click()
    expect(tile).to_contain_text(re.compile(r"Hand up \d+ min"))
    expect(tile).to_contain_text("“kill?”")
    expect(grace.get_by_role("button", name=re.compile("^Hands"))).to_contain_text("1")

    tile.click()
    expect(ben.page.locator("[data-watched]")).to_have_text(re.compile("grace is watching"))
    theirs = Terminal(grace)
    theirs.wait_prompt()
    grace.get_by_role("button", name="Ask for the keyboard").click()
    yes = ben.page.get_by_role("button", name="Let grace type")
    expect(yes).to_be_visible()
    ben.terminal.type("echo $((40 + 1))-mine")  # whose keys stay in the shell
    ben.terminal.wait_for("^41-mine")
    yes.click()
    expect(grace.locator("[data-strong]")).to_have_text(re.compile("^You have Ben.s keyboard"))
    theirs.type("echo $((40 + 2))-help")
    ben.terminal.wait_for("^42-help")
    faults = serious_faults(ben.page) + serious_faults(grace)

    ben.terminal.enter()
    ben.page.keyboard.press("Control+Shift+L")
    expect(grace.locator("[data-strong]")).to_have_text("You are watching.")
    grace.get_by_role("button", name="Helped, lower hand").click()
    expect(ben.page.get_by_role("button", name="Raise hand")).to_be_visible()
    grace.goto(urlsplit(workshop["page"]).path)
    expect(ben.page.locator("[data-watched]")).to_be_hidden()
    assert faults == []


def test_the_class_is_told_and_a_command_tells_how_it_ended(
    person: Person, web_command: WebCommand, workshop: dict[str, Any]
) -> None:
    heidi = instructor(person(), web_command, "heidi", workshop)
    ben = join(person(), workshop["code"], "Ben")
    heidi.get_by_label("Message", exact=True).fill("Try this: https://example.org/kill")
    heidi.get_by_label(re.compile("^Command to run")).fill("echo $((40 + 3))-told")
    heidi.get_by_role("button", name="Send to all 1").click()
    told = ben.page.get_by_role("region", name="From your instructor")
    expect(told.get_by_role("link")).to_have_attribute("href", "https://example.org/kill")
    faults = serious_faults(ben.page) + serious_faults(heidi)
    ben.page.reload()
    ben.terminal.wait_prompt()
    told.get_by_role("button", name=re.compile("^Run: echo")).click()
    ben.terminal.wait_for("^43-told")
    sent = heidi.get_by_role("list", name="Told before")
    expect(sent).to_contain_text("1 done, 0 failed, 0 not yet")
    told.get_by_role("button", name=re.compile("^Close the message")).click()
    expect(told).to_be_hidden()
    expect(sent).to_contain_text("1 of 1 closed it")
    assert faults == []


def test_a_picture_shows_the_terminal_and_nothing_hostile_runs(
    person: Person, web_command: WebCommand, workshop: dict[str, Any]
) -> None:
    ivan = instructor(person(), web_command, "ivan", workshop)
    mal = join(person(), workshop["code"], HOSTILE)
    mal.terminal.type(f"printf '\\033]0;{HOSTILE}\\007'; echo '{HOSTILE}'; raise() {{ :; }}")
    tile = ivan.get_by_role("link", name=re.compile("onerror"))
    expect(tile.locator("[data-name]")).to_have_text(HOSTILE)
    ivan.wait_for_function(COLOURS)
    mal.page.get_by_role("button", name="Raise hand").click()
    mal.page.get_by_label("What is it about?").fill(HOSTILE)
    mal.page.get_by_role("button", name="Tell", exact=True).click()
    expect(tile.locator("[data-detail]")).to_contain_text(HOSTILE)
    assert ivan.locator("slip-wall img").count() == 0
    for width in (1440, 1000, 760, 390, 320):
        ivan.set_viewport_size({"width": width, "height": 800})
        assert fits_its_width(ivan), width
    tile.click()
    expect(ivan.get_by_role("heading", name=HOSTILE)).to_be_visible()
    Terminal(ivan).wait_for("onerror")
    assert fits_its_width(ivan)


def test_the_wall_is_filtered_searched_and_walked_by_keyboard(
    person: Person, web_command: WebCommand, workshop: dict[str, Any]
) -> None:
    judy = instructor(person(), web_command, "judy", workshop)
    for name in ("Ben", "Chi"):
        page = person()
        page.goto(f"/j/{workshop['code']}")
        page.get_by_label("Your name").fill(name)
        page.get_by_role("button", name="Join").click()
        expect(judy.get_by_role("link", name=re.compile(name))).to_be_visible()
    judy.keyboard.press("/")
    judy.keyboard.type("chi")
    expect(judy.get_by_role("link", name=re.compile("Ben"))).to_be_hidden()
    expect(judy.get_by_role("button", name="Send to 1")).to_be_visible()
    judy.reload()
    expect(judy.get_by_role("link", name=re.compile("Chi"))).to_be_visible()
    expect(judy.get_by_role("link", name=re.compile("Ben"))).to_be_hidden()
    judy.get_by_role("searchbox").fill("")
    judy.get_by_role("heading", level=1).click()
    judy.keyboard.press("3")
    expect(judy.locator("[data-none]")).to_have_text(re.compile("^Nobody is stuck"))
    judy.keyboard.press("1")
    judy.get_by_role("link", name=re.compile("Ben")).focus()
    judy.keyboard.press("ArrowRight")
    expect(judy.get_by_role("link", name=re.compile("Chi"))).to_be_focused()
    judy.keyboard.press("s")
    expect(judy.get_by_role("button", name="Screens")).to_have_attribute("aria-pressed", "false")
    judy.keyboard.press("Enter")
    expect(judy.get_by_role("heading", name="Chi")).to_be_visible()
