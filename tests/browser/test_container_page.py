"""“What is my container?”, and what a page says when a limit is met."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import expect

from tests.browser.screens import PROMPT, join
from tests.browser.test_everyone import fits_its_width, serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Person


SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


def row(page: Page, name: str) -> Locator:
    return page.locator(f"[data-row={name}] .walls__now")


def test_each_wall_is_shown_as_the_container_itself_reads_it_and_stays_fresh(
    person: Person, workshop: dict[str, Any]
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    inside = {
        name: ben.terminal.ask(command)
        for name, command in {
            "ns-net": "hostname -I | cut -d' ' -f1",
            "ns-uts": "hostname",
            "ns-user": "awk '{print $2}' /proc/self/uid_map",
            "kernel": "uname -r",
        }.items()
    }
    namespace = ben.terminal.ask("readlink /proc/self/ns/pid").strip("pid:[]")
    page = ben.page.context.new_page()
    page.goto(ben.page.url)
    page.get_by_label(re.compile("your PIN and settings")).click()
    page.get_by_role("link", name="What is my container?").click()
    expect(page.get_by_role("heading", level=1, name="What is my container?")).to_be_visible()
    for name, value in inside.items():
        expect(row(page, name)).to_contain_text(value)
    expect(row(page, "ns-pid")).to_contain_text(namespace)
    expect(row(page, "internet")).to_contain_text("off")
    expect(page.locator("[data-row=ns-time]")).to_contain_text("shared")

    before = row(page, "pids").inner_text()
    ben.page.bring_to_front()
    ben.terminal.type("for n in $(seq 7); do sleep 600 & done; tail /dev/zero")
    page.bring_to_front()
    expect(row(page, "pids")).not_to_have_text(before)
    expect(row(page, "memory")).to_contain_text("met: a program was ended once")


def test_a_limit_that_is_met_is_a_note_that_leads_to_the_reason(
    person: Person, workshop: dict[str, Any]
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    ben.terminal.type("tail /dev/zero")
    note = ben.page.locator(".term-note")
    expect(note).to_contain_text("tail was ended: memory limit")
    ben.terminal.wait_for("^── slipway: tail was ended")
    assert re.search(PROMPT, ben.terminal.wait_prompt())  # it is above the prompt, not in its place
    ben.page.get_by_role("button", name="Run: whoami").click()
    ben.terminal.wait_for("^learner$")
    note.get_by_role("link", name="Why this happens").click()
    ben.page.wait_for_url(re.compile("/(lab/05-limits|container)"))


def test_the_page_of_walls_is_fit_for_everyone(person: Person, workshop: dict[str, Any]) -> None:
    page = join(person(), workshop["code"], "Ben").page
    page.goto("/container")
    expect(row(page, "memory")).to_contain_text("MB")
    for width in (1440, 760, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert fits_its_width(page)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert serious_faults(page) == []
