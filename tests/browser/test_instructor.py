"""An instructor: from the one-time link to a class that has ended."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, join
from tests.browser.test_everyone import serious_faults
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server

WORDS = "a few words in a row"


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Password").fill(WORDS)
    page.get_by_label("The same once more").fill(WORDS)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", name="Workshops", exact=True)).to_be_visible()


def open_workshop(page: Page) -> str:
    """Three clicks from the list of workshops, all at their defaults; gives the code."""
    page.get_by_role("link", name=re.compile("^New workshop")).first.click()
    page.get_by_role("button", name="Open the workshop").click()
    return page.locator(".workshop__letters").inner_text()


def test_a_class_is_opened_followed_and_ended(
    person: Person, web_command: WebCommand, server: Server
) -> None:
    link = urlsplit(web_command("person", "instructor", "add", "grace").split()[0]).path
    grace = person()
    sign_in(grace, link)
    code = open_workshop(grace)
    assert re.fullmatch(r"[A-Z0-9]{3}-[A-Z0-9]{3}", code)
    roster = grace.url
    expect(grace.get_by_text("Nobody has joined yet.")).to_be_visible()

    projector = grace.context.new_page()
    projector.goto(f"{roster}/code")
    expect(projector.get_by_role("heading", name=code)).to_be_visible()

    ben = join(person(), code, "Ben")
    tile = grace.get_by_role("link", name=re.compile("Ben"))
    expect(tile.locator("[data-step]")).to_have_text("1")
    expect(projector.locator("[data-joined]")).to_have_text("1")
    ben.check()
    expect(tile).to_contain_text("check not yet")
    ben.terminal.run("whoami")
    ben.check()
    expect(tile).to_contain_text("check passed")

    ben.terminal.run("echo mine > ~/notes")
    work = ben.page.context.new_page()
    work.goto(f"{server.url}/work")
    with work.expect_download(timeout=SLOW_MS) as files:
        work.get_by_role("link", name="Download your files").click()
    with tarfile.open(files.value.path()) as archive:
        assert "work/home/learner/notes" in archive.getnames()

    grace.get_by_role("link", name=re.compile("^End the workshop")).click()
    expect(grace.get_by_text("What goes")).to_be_visible()
    expect(grace.get_by_text("1 lab, with every file")).to_be_visible()
    grace.get_by_role("button", name=re.compile("^End ")).click()
    expect(grace.get_by_text("This workshop is over.")).to_be_visible()
    expect(grace.get_by_role("row", name=re.compile("Ben"))).to_contain_text("passed")
    wait_for(lambda: not server.client.lab_list(), "the end of every lab")
    expect(ben.page.get_by_text("over")).not_to_have_count(0)

    grace.get_by_role("link", name="Results", exact=True).click()
    line = grace.get_by_role("row", name=re.compile("^Ben"))
    expect(line).to_contain_text("left at step 1")
    grace.get_by_role("link", name="Tries", exact=True).click()
    expect(line.get_by_role("cell").first).to_have_text("2")
    ben.page.get_by_role("link", name="Your transcript and certificate").click()
    ben.page.get_by_label("Name on the certificate").fill("Benedikt Ö")
    ben.page.get_by_role("button", name="Make the certificate").click()
    expect(ben.page.get_by_role("heading", name="Benedikt Ö")).to_be_visible()
    anybody = person()
    anybody.goto(ben.page.url)
    expect(anybody.get_by_role("definition").filter(has_text="1 of")).to_be_visible()
    faults = [serious_faults(page) for page in (grace, anybody, work)]
    assert faults == [[], [], []]


def test_a_one_time_link_works_once(person: Person, web_command: WebCommand) -> None:
    link = urlsplit(web_command("person", "instructor", "add", "heidi").split()[0]).path
    sign_in(person(), link)
    later = person()
    answer = later.goto(link)
    assert answer
    assert answer.status in {404, 410}
    expect(later.get_by_label("Password")).to_have_count(0)


def test_an_instructor_tries_a_workshop_as_a_learner(
    person: Person, web_command: WebCommand
) -> None:
    link = urlsplit(web_command("person", "instructor", "add", "ivan").split()[0]).path
    ivan = person()
    sign_in(ivan, link)
    open_workshop(ivan)
    ivan.get_by_role("button", name="Try it as a learner").click()
    expect(ivan.get_by_role("heading", name="A prompt")).to_be_visible()


def test_an_assistant_is_invited_helps_and_is_shown_out(
    person: Person, web_command: WebCommand
) -> None:
    olga, tess = person(), person()
    sign_in(olga, urlsplit(web_command("person", "owner", "add", "olga").split()[0]).path)
    code = open_workshop(olga)
    wall = olga.url
    olga.get_by_role("link", name="People").click()
    olga.get_by_label("Name", exact=True).fill("tess")
    olga.locator("#role").select_option("assistant")
    olga.get_by_role("button", name="Make a one-time link").click()
    sign_in(tess, urlsplit(olga.locator("[data-link]").inner_text()).path)
    expect(tess.get_by_text("No workshop that goes on was given to you.")).to_be_visible()
    expect(tess.get_by_role("link", name="Images")).to_have_count(0)

    olga.goto(f"{wall}/assistants")
    olga.get_by_label("Give this workshop to").select_option("tess")
    olga.get_by_role("button", name="Give it").click()
    expect(olga.get_by_role("button", name="Take it back from tess")).to_be_visible()
    tess.reload()
    expect(tess.get_by_text(code)).to_be_visible()
    tess.get_by_role("link", name="Open the roster").click()
    expect(tess.get_by_text("Nobody has joined yet.")).to_be_visible()
    expect(tess.get_by_role("link", name="End the workshop…")).to_have_count(0)
    expect(tess.get_by_role("group", name="Filters")).to_be_visible()  # it is live

    olga.get_by_role("button", name="Take it back from tess").click()
    expect(tess.get_by_text("This belongs to someone else.")).to_be_visible()  # by itself
    olga.get_by_role("link", name="Log", exact=True).click()
    rows = olga.get_by_role("row", name=re.compile("^.* olga "))
    expect(rows.first).to_contain_text("took it back from tess")
    expect(rows.nth(1)).to_contain_text("gave it to tess")
