"""The wall and helping: an instructor and a learner at two browsers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.screens import Terminal, join
from tests.browser.test_everyone import fits_its_width, serious_faults
from tests.browser.test_instructor import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, StorageState

    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server

HOSTILE = "<img src=x onerror=alert(1)>"
BRIEF = "<img src=x onerror=a()>"  # terminals have short names
COLOURS = """name => {
    const tiles = [...document.querySelectorAll("li[data-learner]")];
    const tile = tiles.find(each => each.querySelector("[data-name]").textContent === name);
    const canvas = tile.querySelector("[data-picture]");
    const { width, height } = canvas;
    if (!width || !height) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size > 2;
}"""

# All of a class changes in one turn, each of them to another place: what each frame does of it.
LARGE_CLASS = """async count => {
    const wall = document.querySelector("slip-wall");
    const begin = wall.begin.bind(wall);
    wall.begin = () => {};  // the server's own class may come only now
    const row = (at, text) => ({
        learner: `no-${at}`, name: `n${at}`, is_staff: false, lesson: null, step: null, steps: null,
        title: null, place: 0, step_since: null, checks: null, last: null, present: true,
        lab_state: "ready", busy_minutes: null, state: "working", text, since: 0, detail: "",
        rank: [text === "new" ? -at : at],
    });
    const each = (text) => Array.from({ length: count }, (_, at) => row(at, text));
    const tiles = () => [...document.querySelectorAll("li[data-learner^=no-]")];
    const frame = () => new Promise(requestAnimationFrame);
    const filled = () => tiles().filter(tile => tile.textContent.includes("new")).length;
    const names = () => tiles().map(tile => tile.dataset.learner);
    begin(each("old"));
    while (names().join() !== each("").map(({ learner }) => learner).join()) await frame();
    const seen = { filled: [], moved: [] };
    let [before, moved] = [0, 0];
    const note = (list) => {
        const added = list.flatMap(({ addedNodes }) => [...addedNodes]);
        moved += added.filter(node => node.matches?.("li[data-learner]")).length;
    };
    const observer = new MutationObserver(note);
    observer.observe(wall, { childList: true, subtree: true });
    for (const learner of each("new")) wall.change(learner);
    while (names()[0] !== `no-${count - 1}` || names()[count - 1] !== "no-0") {
        await frame();
        note(observer.takeRecords());
        seen.filled.push(filled() - before);
        seen.moved.push(moved);
        [before, moved] = [filled(), 0];
    }
    observer.disconnect();
    return { ...seen, names: names() };
}"""


@pytest.fixture(scope="module")
def workshop(web_command: WebCommand) -> dict[str, Any]:
    """One workshop for all tests of this file: its `code` and `page`."""
    made: dict[str, Any] = json.loads(web_command("workshop", "create", "--json"))
    return {"code": made["code"], "page": urlsplit(made["page"]).path}


@pytest.fixture(scope="module")
def teaches(chromium: Browser, server: Server, web_command: WebCommand) -> StorageState:
    """What the browser of an instructor called grace keeps."""
    link = web_command("person", "instructor", "add", "grace").split()[0]
    context = chromium.new_context(base_url=server.url, locale="en-GB")
    sign_in(context.new_page(), urlsplit(link).path)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def wall(person: Person, teaches: StorageState, workshop: dict[str, Any]) -> Page:
    """Grace at her wall."""
    page = person(state=teaches)
    page.goto(workshop["page"])
    return page


def test_a_hand_is_seen_helped_at_the_keyboard_and_lowered(
    person: Person, wall: Page, workshop: dict[str, Any]
) -> None:
    grace = wall
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
    grace.goto(workshop["page"])
    expect(ben.page.locator("[data-watched]")).to_be_hidden()
    assert faults == []


def test_whom_the_wall_shows_is_told_and_a_command_tells_how_it_ended(
    person: Person, wall: Page, workshop: dict[str, Any]
) -> None:
    chi = join(person(), workshop["code"], "Chi")
    wall.get_by_role("searchbox").fill("chi")
    wall.get_by_label("Message", exact=True).fill("Try this: https://example.org/kill")
    wall.get_by_label(re.compile("^Command to run")).fill("echo $((40 + 3))-told")
    wall.get_by_text("File, countdown").click()
    handout: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"44-handed\n"}
    wall.get_by_label(re.compile("^File into")).set_input_files(handout)
    wall.get_by_label(re.compile("^Countdown minutes")).fill("7")
    wall.get_by_role("button", name="Send to 1").click()
    told = chi.page.get_by_role("region", name="From your instructor")
    expect(told.get_by_role("link")).to_have_attribute("href", "https://example.org/kill")
    expect(told.get_by_text("7 min left")).to_be_visible()
    sent = wall.get_by_role("list", name="Told before")
    expect(sent).to_contain_text("1 done, 0 failed, 0 not yet")  # the file is there
    wall.get_by_text("1 done, 0 failed").click()
    expect(sent.get_by_role("listitem").filter(has_text="Chi: done")).not_to_have_count(0)
    faults = serious_faults(chi.page) + serious_faults(wall)
    chi.page.reload()
    chi.terminal.wait_prompt()
    chi.terminal.run("cat ~/from-instructor/notes.txt")
    chi.terminal.wait_for("^44-handed")
    told.get_by_role("button", name=re.compile("^Run: echo")).click()
    chi.terminal.wait_for("^43-told")
    expect(sent).to_contain_text("1 done, 0 failed, 0 not yet")
    told.get_by_role("button", name=re.compile("^Close the message")).click()
    expect(told).to_be_hidden()
    expect(sent).to_contain_text("1 of 1 closed it")
    assert faults == []


def test_a_picture_shows_the_terminal_and_nothing_hostile_runs(
    person: Person, wall: Page, workshop: dict[str, Any]
) -> None:
    said: list[str] = []
    wall.on("dialog", lambda dialog: said.append(dialog.message))
    wall.on("dialog", lambda dialog: dialog.dismiss())
    mal = join(person(), workshop["code"], HOSTILE)
    mal.terminal.type(f"printf '\\033]0;{HOSTILE}\\007'; echo '{HOSTILE}'")
    tile = wall.get_by_role("link", name=re.compile("onerror"))
    expect(tile.locator("[data-name]")).to_have_text(HOSTILE)
    wall.wait_for_function(COLOURS, arg=HOSTILE)
    mal.page.get_by_role("button", name="Raise hand").click()
    mal.page.get_by_label("What is it about?").fill(HOSTILE)
    mal.page.get_by_role("button", name="Tell", exact=True).click()
    expect(tile.locator("[data-detail]")).to_contain_text(HOSTILE)
    assert_harmless(wall, wide=True)
    tile.click()
    expect(wall.get_by_role("heading", name=HOSTILE)).to_be_visible()
    Terminal(wall).wait_for("onerror")
    assert_harmless(wall)
    mal.page.get_by_role("button", name="Two terminals, one above the other").click()
    mal.page.get_by_role("tab", name="shell 2").dblclick()
    mal.page.get_by_label("Name of this terminal").get_by_role("textbox").fill(BRIEF)
    mal.page.keyboard.press("Enter")
    expect(mal.page.get_by_role("tab", name=BRIEF)).to_be_visible()
    mal.page.goto("/lab/02-what-is-a-container/06-network-and-name")
    mal.page.get_by_label("Which address").fill(HOSTILE + "\u202e" + "W" * 150)
    mal.page.get_by_role("button", name="Answer", exact=True).click()
    expect(mal.page.locator("slip-quiz[data-state=failed]")).to_be_visible()
    wall.reload()
    expect(wall.get_by_role("tab", name=BRIEF)).to_be_visible()
    expect(wall.locator(".standing__answer")).to_contain_text("<img src")
    assert_harmless(wall, wide=True)
    learner = urlsplit(wall.url).path
    for address in (learner + "/forget", workshop["page"] + "/results", "/audit"):
        wall.goto(address)
        assert_harmless(wall, wide=True)
    assert said == []


def assert_harmless(page: Page, *, wide: bool = False) -> None:
    """Nothing that a stranger wrote became part of the page, or made it wider than its window.

    Args:
        page: whose.
        wide: whether windows of all widths are tried.
    """
    assert page.locator("img[src=x]").count() == 0
    for width in (390, 320, 760, 1440) if wide else ():
        page.set_viewport_size({"width": width, "height": 800})
        assert fits_its_width(page), (page.url, width)
    assert fits_its_width(page), page.url


def test_the_wall_is_filtered_searched_and_walked_by_keyboard(
    person: Person, wall: Page, workshop: dict[str, Any]
) -> None:
    for name in ("Dan", "Eve"):
        page = person()
        page.goto(f"/j/{workshop['code']}")
        page.get_by_label("Your name").fill(name)
        page.get_by_role("button", name="Join").click()
        expect(wall.get_by_role("link", name=re.compile(name))).to_be_visible()
    wall.keyboard.press("/")
    wall.keyboard.type("eve")
    expect(wall.get_by_role("link", name=re.compile("Dan"))).to_be_hidden()
    expect(wall.get_by_role("button", name="Send to 1")).to_be_visible()
    wall.reload()
    expect(wall.get_by_role("link", name=re.compile("Eve"))).to_be_visible()
    expect(wall.get_by_role("link", name=re.compile("Dan"))).to_be_hidden()
    wall.get_by_role("searchbox").fill("")
    wall.get_by_role("heading", level=1).click()
    wall.keyboard.press("3")
    expect(wall.locator("[data-none]")).to_have_text(re.compile("^Nobody is stuck"))
    wall.keyboard.press("1")
    wall.get_by_role("link", name=re.compile("Dan")).focus()
    wall.keyboard.press("Home")
    expect(wall.locator("li[data-learner] a").first).to_be_focused()
    wall.keyboard.press("s")
    expect(wall.get_by_role("button", name="Screens")).to_have_attribute("aria-pressed", "false")
    wall.keyboard.press("Enter")
    expect(wall.locator("slip-desk, .standing").first).to_be_visible()


def test_a_large_class_that_changes_at_once_is_drawn_and_put_in_order_some_tiles_a_frame(
    wall: Page,
) -> None:
    expect(wall.get_by_role("group", name="Filters")).to_be_visible()
    frames = wall.evaluate(LARGE_CLASS, 200)
    assert [sum(frames[what]) for what in ("filled", "moved")] == [200, 199]  # one is where it was
    assert max(frames["filled"] + frames["moved"]) <= 50
    assert frames["names"] == [f"no-{at}" for at in reversed(range(200))]
