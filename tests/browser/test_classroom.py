"""A classroom's address, plain http from another machine, and what a browser allows there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.screens import join

if TYPE_CHECKING:
    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server

WORDS = "a few words in a row"


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_command_is_copied_pasted_and_run_with_and_without_a_secure_context(
    person: Person, workshop: dict[str, Any], classroom: Classroom, server: Server, is_secure: bool
) -> None:
    port = urlsplit(server.url).port or 0
    url = classroom.lead_loopback_to(port) if is_secure else server.url
    ben = join(person(base_url=url), workshop["code"], "Ben")
    assert ben.page.evaluate("isSecureContext") is is_secure

    ben.page.get_by_role("button", name="Copy: whoami").click()
    expect(ben.page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    ben.terminal.enter()
    ben.page.keyboard.press("Control+v")
    ben.page.keyboard.press("Enter")
    ben.terminal.wait_for("^learner$")
    ben.terminal.wait_prompt()
    expect(ben.check()).to_have_attribute("data-state", "passed")


def test_the_projector_shows_the_address_that_the_class_can_open(
    person: Person, web_command: WebCommand, server: Server
) -> None:
    page = person()
    page.goto(urlsplit(web_command("person", "instructor", "add", "grace").split()[0]).path)
    page.get_by_label("Password").fill(WORDS)
    page.get_by_label("The same once more").fill(WORDS)
    page.get_by_role("button", name="Set password and sign in").click()
    page.get_by_role("link", name=re.compile("^New workshop")).first.click()
    page.get_by_role("button", name="Open the workshop").click()
    page.get_by_role("link", name="Show the code large").click()
    expect(page.get_by_text(server.url.removeprefix("http://"))).to_be_visible()
    expect(page.get_by_role("img", name="QR picture of the link")).to_be_visible()
    code = page.get_by_role("heading", level=1).inner_text()
    page.goto(f"/j/{code}")
    expect(page.get_by_label("Workshop code")).to_have_value(code)
