"""A learner in lessons with an engine: one clicked through whole, an image, an order moved."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, Joined, join
from tests.conftest import TOP, lend_image
from webapp.lesson_format import native
from webapp.lesson_format.model import DeedKind

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from runtime.image.store import Image
    from tests.browser.conftest import Person, WebCommand
    from tests.conftest import Server
    from webapp.lesson_format.model import Step

RESET_AT = 3
RESET_MS = 60_000


@pytest.fixture(scope="module", autouse=True)
def _engines(server: Server, engine_image: Image) -> None:
    """This file's server makes labs with an engine, too."""
    lend_image(engine_image, server.instance)


@pytest.fixture
def ben(person: Person, web_command: WebCommand) -> Joined:
    """In a workshop of the lessons with an engine."""
    lessons = "03-images,04-the-engine,06-the-legacy-service"
    said = web_command("workshop", "create", "--lessons", lessons, "--json")
    workshop: dict[str, Any] = json.loads(said)
    return join(person(), workshop["code"], "Ben")


def press_all(page: Page) -> None:
    """Run each command of the step, the next one when the prompt is back."""
    commands = page.locator("slip-command")
    for number in range(commands.count()):
        command = commands.nth(number)
        command.locator("[data-run]").click()
        # Some are there to be refused.
        expect(command).to_contain_text(re.compile("Ran|Failed, code"), timeout=SLOW_MS)


def answer_all(page: Page, step: Step) -> None:
    """Answer the step's questions as its solution does."""
    for deed in step.solution:
        if deed.kind is not DeedKind.ANSWER:
            continue
        quiz = page.locator(f"slip-quiz[data-question='{deed.text}']")
        if quiz.locator("textarea").count():
            quiz.locator("textarea").fill(deed.value)
        for place in deed.value.split() if quiz.locator(".choice").count() else []:
            quiz.locator("input").nth(int(place)).check()
        quiz.get_by_role("button", name="Answer", exact=True).click()
        expect(quiz).to_have_attribute("data-state", "passed", timeout=SLOW_MS)


def begin_again(ben: Joined) -> None:
    """Spoil what the steps before have made, and have it made anew."""
    page = ben.page
    spoilt = ben.terminal.run("docker rm -f -t 0 old; rm -rf ~/shop")
    before = re.findall("lab-[0-9a-f]+", spoilt)[-1]
    reset = page.locator("slip-reset")
    reset.locator("summary").click()
    reset.get_by_role("button", name="Throw my container away").click()
    expect(reset.locator("[data-words]")).to_contain_text("as this step begins", timeout=RESET_MS)
    ben.terminal.wait_for(rf"learner@(?!{before})lab-\S+\$ *$")
    assert "old" in ben.terminal.ask("docker ps --format '{{.Names}}'")


def test_the_lesson_of_the_legacy_service_is_clicked_through_whole(ben: Joined) -> None:
    page = ben.page
    lesson = native.load(TOP / "lessons/06-the-legacy-service")
    page.goto(f"/lab/{lesson.steps[0].id}")
    ben.terminal.wait_prompt()
    for number, step in enumerate(lesson.steps, 1):
        expect(page.locator("#lesson h1")).to_have_text(step.title)
        if number == RESET_AT:
            begin_again(ben)
        if step.prediction:
            page.locator("slip-predict [data-press]").last.click()
        press_all(page)
        if step.engine_view:
            words = page.locator("slip-life [data-words]")
            expect(words).to_have_text("old, from old-php: running.", timeout=SLOW_MS)
        if len(step.previews) > 1:
            page.get_by_role("button", name="Show both pages side by side").click()
        for port in step.previews[1:] and step.previews:
            frame = page.frame_locator(f"iframe[title$='port {port}']")
            expect(frame.get_by_text("PHP ")).to_be_visible(timeout=SLOW_MS)
        answer_all(page, step)
        if step.check:
            page.get_by_role("button", name="Check my work").click()
        expect(page.get_by_text(f"Step {number} done")).to_be_visible(timeout=SLOW_MS)
        if number < len(lesson.steps):
            ben.onward()
    expect(page.locator(".recall")).to_contain_text("not part of this workshop")


def test_a_learner_builds_an_image_and_sees_its_layers(ben: Joined) -> None:
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
