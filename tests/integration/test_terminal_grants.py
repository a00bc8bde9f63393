"""What a grant lets its viewer do, and until when: the pump keeps to it by itself."""

from __future__ import annotations

import struct
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.pump_harness import Stage


def test_who_may_only_watch_can_neither_type_nor_resize(stage: Stage) -> None:
    shell = stage.shell()
    watcher = stage.browser(may="watch")
    watcher.until_ready()
    watcher.type("echo no\r")
    watcher.send(b"Z" + struct.pack(">HH", 30, 100))
    watcher.until(lambda: len(watcher.find("P")) == 2, "two refusals")
    assert {problem["code"] for problem in watcher.find("P")} == {"may-not-type"}
    assert termios.tcgetwinsize(shell.master) == (24, 80)
    assert b"echo no" not in watcher.output


def test_a_grant_ends_by_itself_at_its_time(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser(lasts_s=0.5)
    browser.until_closed()
    assert browser.find("E") == [{"reason": "until"}]
    assert stage.pump.grants() == []


def test_a_grant_that_is_renewed_ends_at_its_new_time(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    (grant,) = stage.pump.grants()
    stage.pump.renew(viewer="nobody", until=1)
    stage.pump.renew(viewer=grant["viewer"], until=grant["until"] + 60)
    assert [each["until"] for each in stage.pump.grants()] == [grant["until"] + 60]
    stage.pump.renew(viewer=grant["viewer"], until=1)
    browser.until_closed()
    assert browser.find("E") == [{"reason": "until"}]


def test_a_withdrawn_person_is_out_and_the_others_stay(stage: Stage) -> None:
    stage.shell()
    ada, ben = stage.browser(person="ada"), stage.browser(person="ben")
    ada.until_ready()
    ben.until_ready()
    assert {grant["person"] for grant in stage.pump.grants()} == {"ada", "ben"}
    assert stage.pump.withdraw(person="ada") == 1
    ada.until_closed()
    assert ada.find("E") == [{"reason": "withdrawn"}]
    ben.type("echo ben-$((4 + 4))\r")
    ben.until_shows(b"ben-8")
