"""A server or a workshop that is full: a line that moves by itself, and keeps everyone's place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.screens import Joined, Terminal, join
from tests.browser.test_instructor import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server

ROOM_FOR = 2


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance],
    base_image: Image,
    classroom: Classroom,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A whole server with room for two labs."""
    config = tmp_path_factory.mktemp("small") / "slipway.toml"
    config.write_text(f"max_labs = {ROOM_FOR}\n")
    words = ("--end-labs", "--config", str(config))
    with serving(make_instance(), base_image, classroom, *words) as server:
        yield server


def wait_in_line(page: Page, code: str, name: str) -> Page:
    """Join a class that has no room; the lesson, without a container."""
    page.goto(f"/j/{code}")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Start the lesson").click()
    expect(page.get_by_role("heading", level=1, name="A prompt")).to_be_visible()
    return page


def lab_of(server: Server, learner: Joined) -> str:
    name = learner.terminal.ask("hostname")
    return next(str(lab["lab"]) for lab in server.client.lab_list() if lab["hostname"] == name)


def test_the_next_in_line_starts_without_a_reload_when_a_lab_ends(
    person: Person, workshop: dict[str, Any], server: Server
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    chi = join(person(), workshop["code"], "Chi")
    dana = wait_in_line(person(), workshop["code"], "Dana")
    expect(dana.get_by_text("The server is full: you are 1st in line.")).to_be_visible()
    erin = wait_in_line(person(), workshop["code"], "Erin")
    expect(erin.get_by_text("The server is full: you are 2nd in line.")).to_be_visible()
    erin.reload()
    expect(erin.get_by_text("The server is full: you are 2nd in line.")).to_be_visible()

    server.client.lab_remove(lab_of(server, ben))
    Terminal(dana).wait_prompt()
    assert Terminal(dana).ask("whoami") == "learner"
    expect(erin.get_by_text("The server is full: you are 1st in line.")).to_be_visible()
    server.client.lab_remove(lab_of(server, chi))
    assert Terminal(erin).ask("whoami") == "learner"


def test_a_full_workshop_lets_the_next_in_when_its_instructor_raises_the_number(
    person: Person, web_command: WebCommand, server: Server
) -> None:
    for lab in server.client.lab_list():
        server.client.lab_remove(lab["lab"])
    made = json.loads(web_command("workshop", "create", "--learners", "1", "--json"))
    join(person(), made["code"], "Ben")
    chi = wait_in_line(person(), made["code"], "Chi")
    full = chi.get_by_text("This workshop is full: 1 of 1.")
    expect(full).to_contain_text("You are 1st in line.")

    ada = person()
    sign_in(ada, urlsplit(web_command("person", "instructor", "add", "ada").split()[0]).path)
    ada.goto(urlsplit(made["page"]).path)
    ada.get_by_label(re.compile("Learners at most")).fill("2")
    ada.get_by_label(re.compile("Learners at most")).press("Enter")
    assert Terminal(chi).ask("whoami") == "learner"
