"""One terminal has one size, whoever looks, and its old output says which it had."""

from __future__ import annotations

import struct
import termios
from typing import TYPE_CHECKING

from webapp.terminals.modes import size_mark

if TYPE_CHECKING:
    from tests.integration.pump_harness import Stage


def test_two_viewers_share_one_size(stage: Stage) -> None:
    shell = stage.shell()
    one, two = stage.browser(), stage.browser()
    one.until_ready()
    two.until_ready()
    one.send(b"Z" + struct.pack(">HH", 30, 100))
    two.until(lambda: two.find("S") == [(30, 100)], "the size in the second tab")
    one.until(lambda: one.find("S") == [(30, 100)], "the size in the first tab")
    assert termios.tcgetwinsize(shell.master) == (30, 100)


def test_the_size_follows_the_one_who_types(stage: Stage) -> None:
    shell = stage.shell()
    one, two = stage.browser(), stage.browser()
    one.until_ready()
    two.until_ready()
    one.type("echo one\r")
    one.until_shows(b"one\r\n")
    one.send(b"Z" + struct.pack(">HH", 30, 100))
    one.until(lambda: one.find("S") == [(30, 100)], "the size of who typed")
    two.send(b"Z" + struct.pack(">HH", 40, 120))
    two.until(lambda: two.find("S") == [(30, 100)] * 2, "the size that stays")
    two.type("echo two\r")
    one.until(lambda: one.find("S")[-1] == (40, 120), "the size of who types now")
    assert termios.tcgetwinsize(shell.master) == (40, 120)
    two.close()
    one.until(lambda: one.find("S")[-1] == (30, 100), "the size of who is left")


def test_old_output_says_where_the_size_of_the_terminal_changed(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.type("echo before-$((1 + 1))\r")
    browser.until_shows(b"before-2")
    browser.send(b"Z" + struct.pack(">HH", 30, 100))
    browser.until_shows(size_mark(30, 100))
    browser.type("echo after-$((1 + 1))\r")
    browser.until_shows(b"after-2")
    later = stage.browser()
    later.until_shows(b"after-2")
    parts = [size_mark(24, 80), b"before-2", size_mark(30, 100), b"after-2"]
    places = [later.output.find(part) for part in parts]
    assert places[0] == 0
    assert sorted(places) == places
