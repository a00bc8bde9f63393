"""A long paste: it arrives whole, or something cuts it off (a page, a pump, a lost network)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize(("mode", "bytes_each"), [("raw", 60_000), ("lines", 6_000)])
def test_a_paste_that_nobody_reads_is_refused_and_control_c_ends_it(
    stage: Stage, mode: str, bytes_each: int
) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    is_raw = "-icanon" if mode == "raw" else "icanon"
    # The shell's child is in front before it is the program, and may lose a Ctrl-C until then.
    browser.type(f"stty {is_raw} -echo; sh -c 'echo go-$((1 + 1)); exec sleep 1000'\r")
    browser.until_shows(b"go-2\r\n")
    browser.until(lambda: browser.find("F")[-1:] == [True], "sleep in front")
    for _ in range(4):
        browser.send(b"I" + b"a line\r" * (bytes_each // 7))
    if bytes_each > 6_000:
        browser.until(lambda: browser.find("P"), "a refusal")
        assert browser.find("P")[0]["code"] == "input-full"
        assert stage.memory_bytes < 60_000_000
    browser.type("\x03")
    browser.until(lambda: browser.find("F")[-1:] == [False], "the shell in front again")


def test_a_paste_longer_than_the_queue_arrives_whole_piece_after_piece(
    stage: Stage, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    # The shell's own line editor would take what comes before cat, and stty is in front, too.
    browser.type(f"stty -echo; printf 'g%s' o; cat > {kept}\r")
    browser.until(lambda: b"go" in browser.output, "cat's turn")
    browser.until(lambda: browser.find("F")[-1:] == [True], "cat in front")
    line = "0123456789" * 6 + "\r"
    text = line * 8000
    for at in range(0, len(text), 32768):
        browser.said.clear()
        browser.send(b"T" + text[at : at + 32768].encode())
        browser.until(lambda: browser.find("T"), "the piece taken")
        assert browser.find("P") == []
    browser.type("\x04")
    browser.until(lambda: browser.find("F")[-1:] == [False], "cat has ended")
    assert kept.read_text() == text.replace("\r", "\n")
