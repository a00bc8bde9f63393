"""Programs of a whole afternoon in the terminals of one learner, and what happens around them.

The same vim, htop, less and tmux live through all of these tests: each test is one more thing that
must not end them.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.processes import COMMANDS, kill
from tests.browser.screens import Joined
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, StorageState, ViewportSize

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person
    from tests.conftest import Server

AWAY_S = float(os.environ.get("SLIPWAY_TEST_AWAY_S", "8"))
"""How long the network is away; a minute is the same, only longer."""
STEP = "/lab/00-your-terminal/01-a-prompt"
PROGRAMS = {
    "vim": ("vim /etc/services", r" 1,1 +\S+$"),
    "htop": ("htop", "^F1Help"),
    "less": ("less /etc/services", "^# Network services"),
    "tmux": ("tmux new 'less /etc/protocols'", r"^\[\d+\]"),
}
COUNTER = "clear; while sleep 0.1; do echo $((n += 1)); done"


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance], base_image: Image, classroom: Classroom
) -> Iterator[Server]:
    """A whole server whose labs live on when it stops."""
    with serving(make_instance(), base_image, classroom) as server:
        yield server
        for lab in server.client.lab_list():
            server.client.lab_remove(lab["lab"])


@pytest.fixture(scope="module")
def busy(chromium: Browser, server: Server, seat: StorageState) -> StorageState:
    """A learner with a program in each of four terminals, and a counter in the first."""
    window: ViewportSize = {"width": 1440, "height": 900}
    context = chromium.new_context(base_url=server.url, storage_state=seat, viewport=window)
    page = context.new_page()
    page.goto(STEP)
    learner = Joined(page, "heron", "")
    learner.terminal.wait_prompt()
    learner.terminal.type(COUNTER)
    for number, (command, shows) in enumerate(PROGRAMS.values(), 2):
        page.get_by_role("button", name="Another terminal").click()
        tab = page.get_by_role("tab", name=f"shell {number}")
        expect(tab).to_have_attribute("aria-selected", "true")
        learner.terminal.wait_prompt()
        learner.terminal.type(command)
        learner.terminal.wait_for(shows)
    for number, name in enumerate(PROGRAMS, 2):
        page.get_by_role("tab", name=f"shell {number}").dblclick()
        page.get_by_label("Name of this terminal").get_by_role("textbox").fill(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name=name)).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def learner(person: Person, busy: StorageState) -> Joined:
    """That learner, who comes back to their page."""
    page = person(state=busy, may_lose_connection=True)
    page.goto(STEP)
    learner = Joined(page, "heron", "")
    learner.terminal.wait_connected()
    return learner


def screens(learner: Joined) -> dict[str, str]:
    """Each program's screen, without what changes by itself, once a second look shows the same."""
    looks = [{name: screen(learner, name) for name in PROGRAMS}]

    def is_drawn() -> bool:
        looks.append({name: screen(learner, name) for name in PROGRAMS})
        return looks[-1] == looks[-2]

    wait_for(is_drawn, "screens that stay")
    return looks[-1]


def screen(learner: Joined, name: str) -> str:
    page = learner.page
    page.get_by_role("tab", name=name).click()
    shown = learner.terminal.wait_for(PROGRAMS[name][1])
    # The last row has a clock, a message or less's question, which is another once less has drawn
    # again for a page of another width; of tmux both.
    lines = shown.splitlines()[: -2 if name == "tmux" else -1]
    return shown.partition("F1Help")[1] if name == "htop" else "\n".join(lines)


def assert_as_before(learner: Joined, before: dict[str, str]) -> None:
    """All screens are the same, keys arrive, and no number of the counter is missing."""
    page = learner.page
    for name, shown in before.items():
        with suppress(AssertionError):
            wait_for(lambda name=name, shown=shown: screen(learner, name) == shown, name)  # type: ignore[misc]
        assert screen(learner, name) == shown  # which says what differs
    page.get_by_role("tab", name="vim").click()
    learner.terminal.wait_connected()
    learner.terminal.enter()
    page.keyboard.type("gg")  # the click has moved the cursor
    learner.terminal.wait_for(r" 1,1 +\S+$")
    page.keyboard.press("ArrowDown")  # in the codes that vim asked for
    learner.terminal.wait_for(r" 2,1 +\S+$")
    page.keyboard.press("ArrowUp")
    learner.terminal.wait_for(r" 1,1 +\S+$")
    page.get_by_role("tab", name="shell 1").click()
    numbers = [
        int(n) for n in re.findall(r"^\d+$", learner.terminal.wait_for(r"^\d+$"), re.MULTILINE)
    ]
    assert len(numbers) > 5
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_reload_finds_every_program_as_it_was(learner: Joined) -> None:
    before = screens(learner)
    learner.page.reload()
    assert_as_before(learner, before)


def test_a_window_that_was_smaller_for_a_while_leaves_no_trace_after_a_reload(
    learner: Joined,
) -> None:
    before = screens(learner)
    learner.page.set_viewport_size({"width": 1200, "height": 640})
    wait_for(lambda: screen(learner, "vim") != before["vim"], "vim in a smaller window")
    learner.page.set_viewport_size({"width": 1440, "height": 900})
    learner.page.reload()
    assert_as_before(learner, before)


@pytest.mark.parametrize("names", [("web",), ("pump",), ("runtime",), tuple(COMMANDS)])
def test_no_program_notices_that_a_process_of_the_server_is_killed(
    learner: Joined, server: Server, names: tuple[str, ...]
) -> None:
    before = screens(learner)
    opened: list[str] = []
    learner.page.on("websocket", lambda socket: opened.append(socket.url))
    kill(server, *names)
    assert_as_before(learner, before)

    def again() -> int:
        return len({url.partition("?")[0] for url in opened if "/terminal/" in url})

    if "pump" in names:
        every = len(PROGRAMS) + 1
        wait_for(lambda: learner.page.evaluate("1") and again() == every, "every terminal")
    else:  # the pump alone holds their connections: not even the page notices
        assert again() == 0


def test_a_network_that_is_away_for_a_while_loses_nothing(
    learner: Joined, classroom: Classroom
) -> None:
    before = screens(learner)
    page = learner.page
    page.get_by_role("tab", name="shell 1").click()
    learner.terminal.wait_connected()
    learner.terminal.enter()
    with ExitStack() as until:
        until.enter_context(classroom.silence())
        page.keyboard.press("Shift")
        expect(page.locator(".term-note")).to_contain_text(
            "Your container is still running.", timeout=20_000
        )
        status = page.locator(".term-strip__status")
        expect(status).to_contain_text("Reconnecting, try")
        page.keyboard.type("y")  # not sent later: it could answer a question never seen
        expect(page.locator("#say-polite")).to_contain_text("Typing is paused")
        expect(page.locator(".term-note")).to_contain_text(
            re.compile(rf"lost the server ({'|'.join(map(str, range(round(AWAY_S), 300)))})"),
            timeout=1000 * (AWAY_S + 30),
        )
    page.get_by_role("button", name="Try now").click()
    expect(status).to_have_text("Connected", timeout=20_000)
    page.wait_for_function("() => document.activeElement.closest('.xterm')")  # as before the press
    expect(page.locator(".term-note")).to_contain_text(
        re.compile(r"Back\. Nothing was lost; \d+ lines arrived")
    )
    assert_as_before(learner, before)
