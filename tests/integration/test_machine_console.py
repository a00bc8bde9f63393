"""A machine's console in a browser: through web and pump like any other terminal."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.integration.people import Learner, knock, open_workshop
from tests.integration.pump_harness import Browser
from tests.integration.test_machine import BOOT_S
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server


@pytest.fixture(scope="module")
def ben(server: Server) -> Learner:
    """A learner whose machine is being booted."""
    joined = Learner(server, str(open_workshop(server)["code"]), "ben")
    server.client.machine_boot(joined.lab, rows=30, cols=100)
    return joined


@pytest.fixture
def browser(ben: Learner) -> Iterator[Browser]:
    """Their page, at the machine's console."""
    head, sock = knock(ben, f"/terminal/{ben.lab}/m")
    assert " 101 " in head
    with sock:
        yield Browser(sock)


def test_the_boots_messages_and_the_prompt_are_on_the_page(browser: Browser) -> None:
    browser.until(lambda: b"learner@vm-" in browser.output, "a prompt", BOOT_S)
    assert b"Linux version" in browser.output
    browser.until_ready()
    browser.type("echo reached-$((6 * 7))\r")
    browser.until_shows(b"reached-42")


def test_the_windows_size_reaches_the_guest(browser: Browser) -> None:
    browser.until_ready()
    browser.send(b"Z" + struct.pack(">HH", 33, 111))
    browser.type("until [ \"$(stty size)\" = '33 111' ]; do sleep 0.1; done; echo si''zed\r")
    browser.until_shows(b"sized")


def test_a_reload_shows_the_same_console_again(browser: Browser) -> None:
    browser.until_ready()
    assert b"reached-42" in browser.output


def test_a_kernel_panic_is_seen_by_who_looks(browser: Browser) -> None:
    browser.until_ready()
    browser.type("echo c | sudo tee /proc/sysrq-trigger\r")
    browser.until_shows(b"Kernel panic - not syncing: sysrq triggered crash")


def test_who_looks_sees_the_machine_that_is_booted_next(
    server: Server, ben: Learner, browser: Browser
) -> None:
    browser.until_ready()
    wait_for(
        lambda: server.client.lab_get(ben.lab)["machine"]["state"] == "ended", "the machine's end"
    )
    browser.output.clear()
    server.client.machine_boot(ben.lab)
    browser.until(lambda: b"learner@vm-" in browser.output, "a prompt of the next", BOOT_S)
    browser.type("echo again-$((6 * 7))\r")
    browser.until_shows(b"again-42")
