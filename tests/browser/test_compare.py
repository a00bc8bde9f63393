"""A machine beside the container: booted, put to work, crashed and booted again by a learner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.screens import Terminal, join

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import Person

Workshop = dict[str, Any]

BOOT_MS = 120_000
WORK_MS = 60_000
LESSON = "/lab/07-vm-or-container"
FIGURE = re.compile(r"^[0-9.]+\s\S+$")


def figure(page: Page, row: str, side: str) -> Locator:
    """What a row of the panel says of a side."""
    return page.locator(f"[data-row={row}] [data-side={side}] [data-value]")


def boot(page: Page, word: str = "Boot the machine") -> None:
    """Press the button of the machine's half, and wait for its prompt."""
    page.get_by_role("button", name=word).click()
    machine = page.locator("slip-machine")
    expect(machine).to_have_attribute("data-state", "ready", timeout=BOOT_MS)
    Terminal(page, "machine").wait_prompt()


def open_card(page: Page, name: str) -> Locator:
    """Unfold one of the cards below the panel."""
    card = page.locator(f"[data-card={name}]")
    card.locator("summary").first.click()
    return card


def test_a_machine_is_booted_worked_crashed_and_booted_again(
    person: Person, workshop: Workshop
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    page = ben.page
    page.goto(f"{LESSON}/02-cold-against-cold")
    boot(page)
    # The connection is there, and took away what is said where it isn't, but no more than that.
    expect(page.locator("slip-planner [data-refused]")).to_be_attached()
    for side in ("machine", "container"):
        expect(figure(page, "start", side)).to_have_text(FIGURE)
    expect(page.locator("[data-row=start] [data-ratio]")).to_have_text(
        re.compile("[0-9]\N{MULTIPLICATION SIGN}$")
    )
    expect(ben.check()).to_have_attribute("data-state", "passed")

    # What is open follows what happens, without a press.
    drawing = open_card(page, "drawing")
    for box in drawing.locator("[data-box]").all():
        expect(box.locator("[data-figure]")).to_have_text(re.compile("[0-9]"))
    seen = open_card(page, "server").locator("tbody")
    expect(seen.locator("[data-side=machine]")).to_have_count(1)
    expect(seen.locator("[data-side=machine]")).to_contain_text("qemu-system")
    fits = open_card(page, "planner")
    expect(fits.locator("[data-line=idle] [data-kind=container]")).to_have_text(
        re.compile("^[0-9]")
    )
    ben.terminal.run("python3 /lesson/hold.py 60 &")
    expect(seen).to_contain_text("hold.py 60")
    expect(fits.locator("[data-arithmetic]")).to_contain_text(re.compile("÷ [6-9][0-9.]+.MB a c"))
    ben.terminal.run("kill %1; wait")
    expect(seen).not_to_contain_text("hold.py 60")

    page.goto(f"{LESSON}/04-compute")
    page.locator("[data-work=compress] [data-run]").click()
    done = page.locator("[data-work=compress]")
    expect(done).to_have_attribute("data-state", "done", timeout=WORK_MS)
    done.locator("[data-run]").click()
    expect(done).to_have_attribute("data-state", re.compile("waiting|running"))
    done.locator("[data-run]").click()  # stopped: then the last result is the one before
    expect(done).to_have_attribute("data-state", "stopped", timeout=WORK_MS)
    for side in ("machine", "container"):
        expect(done.locator(f"[data-side={side}] [data-value]")).to_have_text(FIGURE)
    expect(ben.check()).to_have_attribute("data-state", "passed")
    page.reload()
    expect(done.locator("[data-side=machine] [data-value]")).to_have_text(FIGURE)

    page.goto(f"{LESSON}/06-whose-kernel-falls")
    machine = page.locator("slip-machine")
    expect(machine).to_have_attribute("data-state", "ready")
    Terminal(page, "machine").type("echo c | sudo tee /proc/sysrq-trigger")
    expect(machine).to_have_attribute("data-state", re.compile("failed|ended"), timeout=BOOT_MS)
    expect(machine).to_contain_text("crashed")
    expect(page.get_by_role("button", name="Boot it again")).to_be_visible()
    expect(page.get_by_role("button", name="Go on without the machine")).to_be_visible()
    assert ben.terminal.ask("echo the container works on") == "the container works on"
    boot(page, "Boot it again")
    expect(ben.check()).to_have_attribute("data-state", "passed")
