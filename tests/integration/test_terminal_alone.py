"""What an open terminal doesn't need: a web that answers, a database, room on the lab's disk."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.integration.people import Learner, knock, open_workshop
from tests.integration.pump_harness import Browser
from tests.integration.test_supervisor_walls import child_of, pump_of, web_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server

KEYS = 40


def until_typed(browser: Browser, number: int) -> None:
    browser.until(lambda: browser.output.count(b"#") > number, "the key", deadline_s=5)


def test_a_web_that_stalls_costs_no_key_of_an_open_terminal(server: Server) -> None:
    ada = Learner(server, str(open_workshop(server)["code"]), "ada")
    _, sock = knock(ada, f"/terminal/{ada.lab}/1")
    web = web_of(server)
    with sock, closing(sqlite3.connect(server.instance.web_path / "slipway.db")) as database:
        browser = Browser(sock)
        browser.until_ready()
        browser.until_shows(b"$ ")
        database.execute("BEGIN EXCLUSIVE")
        os.kill(web, signal.SIGSTOP)
        try:
            for number in range(KEYS):
                browser.type("#")
                until_typed(browser, number)
        finally:
            os.kill(web, signal.SIGCONT)
            database.rollback()
        assert web_of(server) == web


def test_a_counter_loses_no_line_when_web_pump_and_runtime_are_killed_at_once(
    server: Server,
) -> None:
    ada = Learner(server, str(open_workshop(server)["code"]), "ada")
    _, sock = knock(ada, f"/terminal/{ada.lab}/1")
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        browser.type("n=100; while :; do echo line-$((n++)).; sleep 0.02; done\r")
        browser.until_shows(b"line-150.")
        killed = [find(server) for find in (web_of, pump_of, runtime_of)]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        browser.until_closed()
    place = f"/terminal/{ada.lab}/1?after={browser.next_seq}&epoch={browser.hello['epoch']}"
    again = wait_for(lambda: reconnected(ada, place), "the terminal")
    assert again
    again.until_shows(b"line-400.")
    assert again.hello["replay"] == "exact"
    lines = re.findall(rb"line-(\d+)\.", bytes(browser.output + again.output))
    again.close()
    assert [int(line) for line in lines] == list(range(100, 100 + len(lines)))


def runtime_of(server: Server) -> int:
    return wait_for(lambda: child_of(server, "runtime", "serve"), "the runtime")


def reconnected(ada: Learner, place: str) -> Browser | None:
    """A terminal that shows something; None while web or pump are away."""
    try:
        head, sock = knock(ada, place)
    except (OSError, AssertionError):
        return None
    browser = Browser(sock)
    if " 101 " not in head:
        browser.close()
        return None
    try:
        browser.until_ready()
    except AssertionError:  # closed: no pump yet
        browser.close()
        return None
    return browser


def test_a_lab_whose_disk_is_full_still_opens_a_terminal(server: Server) -> None:
    ada = Learner(server, str(open_workshop(server)["code"]), "ada")
    _, sock = knock(ada, f"/terminal/{ada.lab}/1")
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        browser.type("cat /dev/zero > ~/full; echo re'ached'\r")
        browser.until_shows(b"No space left on device")
        browser.until_shows(b"reached")
        second = server.client.terminal_open(ada.lab, "2")["terminal"]
    _, sock = knock(ada, f"/terminal/{second.replace('.', '/')}")
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        browser.type("echo reached-$((6 * 7))\r")
        browser.until_shows(b"reached-42")
