"""What an open terminal doesn't need: a web that answers, a database, room on the lab's disk."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.integration.people import Learner, knock, open_workshop
from tests.integration.pump_harness import Browser
from tests.integration.test_supervisor_walls import web_of

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
