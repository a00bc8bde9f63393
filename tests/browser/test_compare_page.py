"""The page with a machine: its figures beside other measurements, and for everyone who uses it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.screens import Terminal, join
from tests.browser.test_by_keyboard import Keyboard
from tests.browser.test_compare import BOOT_MS, LESSON, figure
from tests.browser.test_everyone import fits_its_width, serious_faults
from tests.browser.test_pace import small
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Person
    from tests.conftest import Server

NEAR = 0.1
READABLE_PX = 10
NOTHING = "\N{EN DASH}"
MIB = 1 << 20
# From the first moment at which the page says that it boots to the frame that shows its prompt;
# the screen of the machine before it may have one, too.
STOPWATCH = """() => {
    const machine = document.querySelector("slip-machine");
    const terminal = document.querySelector("slip-terminal[data-side=machine]");
    delete window.took;
    let began = 0;
    const look = () => {
        if (!began && machine.dataset.state === "booting") began = performance.now();
        const isThere = began && machine.dataset.state === "ready" && !terminal.isBusy;
        if (isThere && terminal.connection === "connected") window.took = performance.now() - began;
        else requestAnimationFrame(look);
    };
    look();
}"""


def number(page: Page, row: str, side: str) -> float:
    """A figure of the panel as a person reads it; 0 while there is none."""
    found = re.match(r"[0-9.]+", figure(page, row, side).inner_text())
    return float(found.group()) if found else 0.0


def pss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) << 10


def charge_bytes(pid: int) -> int:
    """What the kernel counts for a process's cgroup, less the cache of files; either version."""
    names = {
        line.split(":", 2)[1]: line.split(":", 2)[2]
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    }
    if "memory" in names:
        group, charge, start = Path("/sys/fs/cgroup/memory"), "memory.usage_in_bytes", "total_"
        group /= names["memory"].lstrip("/")
    else:
        group = Path("/sys/fs/cgroup") / names[""].lstrip("/")
        charge, start = "memory.current", ""
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    cache = sum(int(stat[f"{start}{name}"]) for name in ("active_file", "inactive_file"))
    return int((group / charge).read_text()) - cache


def test_the_pages_figures_agree_with_other_measurements(
    person: Person, workshop: dict[str, Any], server: Server
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    page, name = ben.page, ben.terminal.ask("hostname")
    page.goto(f"{LESSON}/02-cold-against-cold")
    page.locator("[data-all]").click()

    def a_start_agrees() -> bool:
        page.evaluate(STOPWATCH)
        page.locator("[data-boot=cold]").click()
        page.wait_for_function("() => window.took", timeout=BOOT_MS)
        machine = page.locator("slip-machine")
        expect(machine).to_have_attribute("data-state", "ready", timeout=BOOT_MS)
        wait_for(lambda: number(page, "start", "machine"), "its figure", deadline_s=10)
        took_s = page.evaluate("window.took") / 1000
        agrees = bool(number(page, "start", "machine") == pytest.approx(took_s, rel=NEAR))
        if not agrees:  # the browser itself waited for a processor: again
            page.locator("[data-halt]").click()
            expect(machine).to_have_attribute("data-state", "ended", timeout=BOOT_MS)
        return agrees

    wait_for(a_start_agrees, "a moment at which the browser is on time", deadline_s=120)
    lab = next(each for each in server.client.lab_list() if each["hostname"] == name)
    machine = lab["machine"]
    disk = server.instance.labs_path / lab["lab"] / "machine" / "disk"
    page.get_by_role("button", name=re.compile("How is this measured: Memory")).click()
    live = page.locator("#how-memory [data-live]")

    def shown_pss_mb() -> float:
        found = re.search(r"PSS\): machine ([0-9.]+)", live.inner_text())
        return float(found.group(1)) if found else 0.0

    def agrees(shown: Callable[[], float], measured: Callable[[], int]) -> None:
        wait_for(
            lambda: shown() == pytest.approx(measured() / MIB, rel=NEAR),
            f"the page's figure to be {measured() / MIB:.1f} MB",
            deadline_s=30,
        )

    agrees(lambda: number(page, "memory", "machine"), lambda: charge_bytes(machine["pid"]))
    agrees(lambda: number(page, "memory", "container"), lambda: charge_bytes(lab["pid"]))
    agrees(shown_pss_mb, lambda: pss_bytes(machine["pid"]))
    agrees(lambda: number(page, "disk", "machine"), lambda: disk.stat().st_blocks * 512)


def test_a_machine_is_resumed_with_the_keyboard_alone_on_a_narrow_screen(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = join(person(width=320, height=700), workshop["code"], "Chi").page
    keyboard = Keyboard(page)
    page.goto(f"{LESSON}/02-cold-against-cold")
    assert serious_faults(page) == []
    keyboard.walk_to(page.locator("#tab-lesson"))
    page.keyboard.press("ArrowRight")
    assert fits_its_width(page)
    resume = page.get_by_role("button", name="Resume a saved one")
    expect(resume).to_be_visible(timeout=BOOT_MS)
    keyboard.press(resume)
    machine = page.locator("slip-machine")
    expect(machine).to_have_attribute("data-state", "ready", timeout=BOOT_MS)
    # The keyboard's place isn't lost with the button that was pressed.
    expect(page.locator("#terminals:focus, #terminals :focus")).to_be_attached()
    expect(machine).to_contain_text("resumed")
    terminal = Terminal(page, "machine")
    terminal.wait_prompt()
    expect(page.get_by_text("Your shell ran on")).to_be_hidden()  # it has just begun
    page.keyboard.press("Control+Backquote")
    page.keyboard.type("echo a kernel of $((6 * 7))\n")
    terminal.wait_for("^a kernel of 42")
    page.keyboard.press("Control+Shift+L")
    assert serious_faults(page) == []
    assert fits_its_width(page)

    keyboard.walk_to(page.locator("#tab-terminal"))
    page.keyboard.press("ArrowRight")
    assert fits_its_width(page)
    table = page.get_by_role("table", name="What machine and container cost")
    row = table.get_by_role("row", name=re.compile("First prompt made ready before"))
    expect(row.get_by_role("cell").first).to_contain_text(re.compile(r"[0-9.]+\s(ms|s)"))
    cold = table.get_by_role("row", name=re.compile("First prompt cold"))
    expect(cold.get_by_role("cell").first).to_contain_text(NOTHING)
    expect(page.locator("[data-row=start] [data-ratio]")).to_have_text(NOTHING)
    assert serious_faults(page) == []
    for card in ("works", "drawing"):
        page.locator(f"[data-card={card}] summary").first.click()
    for run in page.locator("[data-run]").all():  # where its table is wider than the screen, too
        run.scroll_into_view_if_needed()
        expect(run).to_be_in_viewport(ratio=1)
    box = page.locator("[data-box=engine] [data-figure]").bounding_box()
    assert box
    assert box["height"] >= READABLE_PX
    assert fits_its_width(page)
    assert serious_faults(page) == []


def test_on_a_projector_each_of_the_two_terminals_has_80_columns(
    person: Person, workshop: dict[str, Any]
) -> None:
    page = join(person(width=1280, height=720), workshop["code"], "Mara").page
    page.evaluate("document.cookie = 'slip-present=1; path=/'")
    page.goto(f"{LESSON}/02-cold-against-cold")
    shell = Terminal(page)
    shell.wait_prompt()
    assert small(page) == []
    page.locator("#tab-terminal").click()
    page.get_by_role("button", name="Container", exact=True).click()
    assert int(shell.ask("stty size").split()[1]) >= 80
    machine = page.locator(".side[data-side=machine]")
    assert machine.evaluate("side => side.clientWidth") == 1280
    page.locator("#tab-panel").click()
    assert small(page) == []
    assert fits_its_width(page)
