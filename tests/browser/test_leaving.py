"""A computer that pupils share: “not me” leaves nothing of the one before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import Terminal, join

if TYPE_CHECKING:
    from tests.browser.conftest import Person


def test_not_me_leaves_nothing_of_the_first_learner_to_the_next(
    person: Person, workshop: dict[str, Any]
) -> None:
    ben = join(person(may_lose_connection=True), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; echo a secret of Ben")
    kept = ben.page.context.storage_state()

    shared = ben.page.context.new_page()
    shared.goto("/")
    expect(shared.get_by_text("This browser is Ben")).to_be_visible()
    shared.get_by_role("button", name="Not me").click()
    expect(shared.get_by_text("This browser is")).to_have_count(0)
    expect(ben.page.get_by_text("This terminal was taken away.")).to_be_visible()

    for where in ("/lab", "/pin", ben.page.url):
        shared.goto(where)
        expect(shared.get_by_role("heading", name="Join a workshop")).to_be_visible()
    ben.page.goto("/")
    ben.page.go_back()
    expect(ben.page.get_by_role("heading", name="Join a workshop")).to_be_visible()
    old = person()
    for cookie in kept["cookies"]:
        old.context.add_cookies(
            [{"name": cookie["name"], "value": cookie["value"], "url": workshop["link"]}]
        )
    old.goto("/lab")
    expect(old.get_by_role("heading", name="Join a workshop")).to_be_visible()

    chi = join(shared, workshop["code"], "Chi")
    assert chi.terminal.ask("echo [$marker]; cat ~/.bash_history 2>/dev/null") == "[]"
    elsewhere = person()
    elsewhere.goto("/resume")
    elsewhere.get_by_label("Workshop code").fill(workshop["code"])
    elsewhere.get_by_label("Your name").fill("Ben")
    elsewhere.get_by_label("PIN", exact=True).fill(ben.pin)
    elsewhere.get_by_role("button", name="Resume").click()
    expect(elsewhere.get_by_role("link", name=re.compile("Step 1"))).to_be_visible()
    assert Terminal(elsewhere).ask("echo $marker") == "kept"
