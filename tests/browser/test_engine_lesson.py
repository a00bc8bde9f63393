"""A learner in a lesson with an engine: commands pressed, drawings that follow, an order moved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, Joined, join
from tests.conftest import lend_image

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from runtime.image.store import Image
    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server


@pytest.fixture(scope="module", autouse=True)
def _engines(server: Server, engine_image: Image) -> None:
    """This file's server makes labs with an engine, too."""
    lend_image(engine_image, server.instance)


@pytest.fixture
def ben(person: Person, web_command: WebCommand) -> Joined:
    """In a workshop of both lessons."""
    said = web_command("workshop", "create", "--lessons", "03-images,04-the-engine", "--json")
    workshop: dict[str, Any] = json.loads(said)
    return join(person(), workshop["code"], "Ben")


def press_all(page: Page) -> None:
    """Run each command of the step, the next one when the prompt is back."""
    commands = page.locator("slip-command")
    for number in range(commands.count()):
        command = commands.nth(number)
        command.locator("[data-run]").click()
        expect(command).to_contain_text("Ran", timeout=SLOW_MS)


def test_a_learner_builds_an_image_and_leads_a_container_through_its_life(ben: Joined) -> None:
    page = ben.page
    page.goto("/lab/03-images/03-write-one")
    ben.terminal.wait_prompt()
    press_all(page)
    stack = page.locator("slip-layers figure").filter(has_text="hello")
    expect(stack.locator("li")).to_have_count(3)
    expect(stack.locator("li[data-state=shared]")).to_have_count(1)
    expect(stack).to_contain_text("RUN mkdir /data")
    page.get_by_role("button", name="Check my work").click()
    expect(page.get_by_text("Step 3 done")).to_be_visible()

    page.goto("/lab/04-the-engine/02-created-is-not-running")
    ben.terminal.wait_prompt()
    words = page.locator("slip-life [data-words]")
    page.get_by_role("button", name="Run: docker create --name c1 web", exact=True).click()
    expect(words).to_have_text("c1, from web: created.", timeout=SLOW_MS)
    page.get_by_role("button", name="Run: docker start c1", exact=True).click()
    expect(words).to_have_text("c1, from web: running.", timeout=SLOW_MS)
    expect(page.locator("[data-life][data-state=now]")).to_have_attribute("data-life", "running")
    page.get_by_role("button", name="Check my work").click()
    expect(page.get_by_text("Step 2 done")).to_be_visible()
    ben.terminal.run("docker rm -f -t 0 c1")
    expect(words).to_have_text("c1, from web: removed.", timeout=SLOW_MS)


def test_an_order_is_moved_by_buttons_and_says_what_comes_too_early(ben: Joined) -> None:
    page = ben.page
    page.goto("/lab/04-the-engine/01-who-answers")
    quiz = page.locator("slip-quiz[data-question=the-way]")
    answer = quiz.get_by_role("button", name="Answer", exact=True)
    answer.click()
    expect(quiz).to_have_attribute("data-state", "failed")
    right = [
        "You type a command",
        "podman looks the image up",
        "conmon begins to watch",
        "crun asks the kernel",
        "The kernel starts process 1",
    ]
    for place, words in enumerate(right):
        item = quiz.locator("li").filter(has_text=words)
        while item.evaluate("item => [...item.parentElement.children].indexOf(item)") > place:
            item.locator("[data-move='-1']").focus()
            page.keyboard.press("Enter")
    answer.click()
    expect(quiz).to_have_attribute("data-state", "passed")
    page.reload()
    expect(quiz.locator("li").first).to_contain_text(right[0])
