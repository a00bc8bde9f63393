"""The pace of a class, with two browsers: steps, a pause, time, a late comer, a projector."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, Terminal, join
from tests.browser.test_instructor import open_workshop, sign_in
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Person, WebCommand

SMALL = """least => [...document.querySelectorAll("body *")]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(each => each.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .filter(each => !each.closest(".said, .skips, .xterm, canvas"))
    .map(each => [parseFloat(getComputedStyle(each).fontSize), each.textContent.trim()])
    .filter(([size]) => size < least)"""

OVERLAPPING = """() => {
    const parts = ".bar :is(.brand, .bar__step, .clock, button, summary)";
    const shown = [...document.querySelectorAll(parts)].filter(each => each.checkVisibility());
    const boxes = shown.map(each => each.getBoundingClientRect());
    boxes.sort((one, other) => one.left - other.left);
    return boxes.slice(1).filter((box, at) => box.left < boxes[at].right - 1).length;
}"""


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button whose form leads to a page, and be on that: the one before looks like it."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def small(page: Page) -> list[object]:
    """What is smaller than a projector needs, once the page has settled."""
    with suppress(AssertionError):
        wait_for(lambda: not page.evaluate(SMALL, 24), "large text")
    found: list[object] = page.evaluate(SMALL, 24)
    return found


def teach(person: Person, web_command: WebCommand, name: str) -> tuple[Page, str]:
    """Sign in as somebody new, and open a workshop; their page, and its code."""
    link = urlsplit(web_command("person", "instructor", "add", name).split()[0]).path
    page = person()
    sign_in(page, link)
    return page, open_workshop(page)


def test_a_class_is_held_brought_paused_and_one_of_it_given_more(
    person: Person, web_command: WebCommand
) -> None:
    grace, code = teach(person, web_command, "greta")
    wall = grace.url
    ben = join(person(), code, "Ben")
    clock = ben.page.locator("slip-countdown")

    press(grace, "Lock what follows")
    expect(ben.page.locator("[data-locked-line]")).to_be_visible()
    expect(ben.page.get_by_role("link", name=re.compile("^Step 2, .*, locked$"))).to_be_visible()
    press(grace, "Unlock this step")
    expect(ben.page.locator("[data-locked-line]")).to_be_hidden()
    grace.locator("select[name=step]").select_option(index=2)
    press(grace, "Bring everyone to it")
    press(grace, "Unlock all")
    expect(ben.page).to_have_url(re.compile("/03-"))
    expect(ben.page.get_by_text("has brought you to this step.")).to_be_visible()

    late = join(person(may_lose_connection=True), code, "Late")
    expect(late.page).to_have_url(re.compile("/03-"))
    tile = grace.get_by_role("link", name=re.compile("Late"))
    expect(tile.locator("[data-step]")).to_have_text("3")
    side = grace.context.new_page()
    side.goto(f"{wall}/learners/{(tile.get_attribute('href') or '').rpartition('/')[2]}/forget")
    side.get_by_role("button", name="Delete all of Late").click()
    expect(tile).to_have_count(0)

    ben.terminal.wait_prompt()
    press(grace, "Pause")
    expect(clock).to_contain_text("Paused")
    expect(ben.page.get_by_text("Paused by greta.").first).to_be_visible()
    for width in (390, 320, 1440):
        ben.page.set_viewport_size({"width": width, "height": 844})
        assert ben.page.evaluate(OVERLAPPING) == 0, width
    press(grace, "Go on")
    expect(clock).not_to_contain_text("Paused")
    assert ben.terminal.ask("echo on$((40 + 2))") == "on42"

    until = int(clock.get_attribute("data-until") or 0)
    grace.get_by_role("link", name=re.compile("Ben")).first.click()
    press(grace, re.compile("15 min for"))
    expect(clock).to_have_attribute("data-until", str(until + 900))
    grace.get_by_text("Bring Ben to a step").click()
    grace.locator("select[name=step]").select_option(index=3)
    ben.terminal.run("touch old")
    press(grace, "Bring Ben there")
    expect(ben.page).to_have_url(re.compile("/04-"), timeout=SLOW_MS)
    ben.terminal.wait_prompt()
    assert ben.terminal.ask("ls") == ""

    grace.goto(f"{wall}/learners/{grace.url.rpartition('/')[2]}")
    grace.get_by_text(re.compile("^Let Ben back in")).click()
    grace.get_by_role("button", name="Make a one-time link").click()
    way = urlsplit(grace.locator(".facts__link").inner_text()).path
    found = person()
    found.goto(way)
    found.get_by_role("button", name=re.compile("^Go on as Ben")).click()
    expect(found).to_have_url(re.compile("/04-"))


def test_on_a_projector_text_is_large_the_terminal_has_80_columns_and_nobody_a_name(
    person: Person, web_command: WebCommand
) -> None:
    ivan, code = teach(person, web_command, "iris")
    wall = ivan.url
    join(person(), code, "Ben")
    ivan.set_viewport_size({"width": 1280, "height": 720})
    expect(ivan.get_by_role("link", name=re.compile("Ben"))).to_be_visible()
    ivan.get_by_role("button", name="Present").click()
    expect(ivan.locator("html[data-present]")).to_have_count(1)
    ivan.wait_for_load_state()  # with its style
    expect(ivan.locator(".tile")).to_have_count(1)
    seen = ivan.locator("body").inner_text()
    assert [name for name in ("Ben", "iris") if name in seen] == []
    assert small(ivan) == []
    ivan.goto(f"{wall}/code")
    expect(ivan.get_by_role("heading", name=code)).to_be_visible()
    assert small(ivan) == []
    ivan.goto(wall)
    ivan.get_by_role("button", name="Try it as a learner").click()
    expect(ivan.get_by_role("heading", name="A prompt")).to_be_visible()
    ivan.wait_for_load_state()
    assert small(ivan) == []
    tab = ivan.get_by_role("tab", name=re.compile("Terminal"))
    tab.click()
    terminal = Terminal(ivan)
    terminal.wait_prompt()
    tab.click()  # a press before the page's scripts are there goes nowhere
    expect(tab).to_have_attribute("aria-selected", "true")
    assert small(ivan) == []
    columns = int(terminal.ask("stty size").split()[1])
    assert columns >= 80
    font = ivan.evaluate("document.querySelector('.xterm-rows, .xterm-screen').style.fontSize")
    assert font in {"", "24px"}
