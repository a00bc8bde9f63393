"""A long paste that something cuts off: a page that goes, a pump that is killed, a lost network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.pump_harness import Browser, Stage


def begin_paste(stage: Stage) -> Browser:
    """A browser in the midst of a long paste into a program that shows what it reads."""
    stage.shell("1a2b3c4d.1", "sh", "-c", "stty raw -echo; echo go; exec cat -v")
    browser = stage.browser()
    browser.until_shows(b"go")
    browser.send(b"T\x1b[200~pasted")
    browser.until(lambda: browser.find("T"), "the piece taken")
    return browser


def test_a_page_that_goes_in_the_midst_of_a_paste_leaves_no_program_waiting_for_its_end(
    stage: Stage,
) -> None:
    browser = begin_paste(stage)
    other = stage.browser()
    browser.close()
    other.until_shows(b"^[[200~pasted^[[201~")


def test_a_pump_that_is_killed_in_the_midst_of_a_paste_leaves_no_program_waiting_for_its_end(
    stage: Stage,
) -> None:
    begin_paste(stage)
    stage.kill_pump()
    stage.start_pump()
    browser = stage.browser()
    browser.until_shows(b"^[[200~pasted^[[201~")
    browser.until_ready()
    browser.type("after")
    browser.until_shows(b"^[[200~pasted^[[201~after")


def test_a_right_that_ends_in_the_midst_of_a_paste_leaves_no_program_waiting_for_its_end(
    stage: Stage,
) -> None:
    browser = begin_paste(stage)
    (grant,) = stage.pump.grants()
    stage.pump.renew(viewer=grant["viewer"], until=grant["until"], may="watch")
    browser.send(b"T and more")
    browser.until_shows(b"^[[200~pasted^[[201~")


def test_a_connection_that_its_page_has_given_up_types_nothing_late(stage: Stage) -> None:
    stage.shell()
    other = stage.browser(page="another page")
    lost = stage.browser(page="one page")
    lost.until_ready()
    again = stage.browser(page="one page")
    lost.until_closed()
    again.until_ready()
    other.type("echo both-$((1 + 1))\r")
    again.until_shows(b"both-2")


def test_a_paste_goes_on_while_a_screen_is_replayed(stage: Stage) -> None:
    flood = 'stty raw -echo; head -c 400000 /dev/zero | tr "\\0" x; echo go; exec cat >/dev/null'
    stage.shell("1a2b3c4d.1", "sh", "-c", flood)
    stage.browser().until_shows(b"go")
    overtaken = stage.browser()
    overtaken.draws = False
    overtaken.until(lambda: len(overtaken.output) > 100_000, "a part of the replay")
    overtaken.send(b"T" + b"the next piece")
    overtaken.until(lambda: overtaken.find("T"), "the piece taken")
    assert overtaken.find("R") == []
