"""The pump's promises, each with a real pump process, real ptys and real sockets."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_for
from webapp.terminals.modes import size_mark

if TYPE_CHECKING:
    from tests.integration.pump_harness import Shell, Stage

NAME = "1a2b3c4d.1"
TELLS_ITS_SIZE = """
import os, signal
def tell(*_): os.write(1, b"size %d\\n" % os.get_terminal_size().lines)
signal.signal(signal.SIGWINCH, tell)
print("x" * 700_000, flush=True)
while True:
    signal.pause()
"""


def test_a_typed_command_answers_on_the_screen(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.type("echo $((6 * 7))-seen\r")
    browser.until_shows(b"42-seen")


def test_a_learner_who_reconnects_gets_exactly_what_was_missed(stage: Stage) -> None:
    stage.shell()
    whole = stage.browser()
    first = stage.browser()
    first.until_ready()
    first.type("for i in $(seq 300); do echo line-$i; sleep 0.002; done; echo all-'done'\r")
    first.until_shows(b"line-40\r")
    seen, epoch = first.next_seq, first.hello["epoch"]
    first.close()
    whole.until_shows(b"all-done")
    second = stage.browser(after=seen, epoch=epoch)
    second.until_shows(b"all-done")
    assert second.hello["replay"] == "exact"
    assert second.hello["preamble"] == ""
    whole.until(lambda: whole.next_seq == second.next_seq, "the same place")
    assert first.output + second.output == whole.output


def test_a_learner_who_reloads_gets_the_whole_session(stage: Stage) -> None:
    stage.shell()
    first = stage.browser()
    first.until_ready()
    first.type("echo some-$((1 + 1))-words\r")
    first.until_shows(b"some-2-words\r\nready$ ")
    second = stage.browser()
    second.until_ready()
    assert second.hello["replay"] == "fresh"
    assert second.output == first.output


def test_a_place_that_left_the_ring_gets_modes_and_the_tail(stage: Stage) -> None:
    stage.shell()
    first = stage.browser()
    first.until_ready()
    first.type("printf '\\033[?1049h\\033[?1h\\033[5;9r'; seq 200000; echo tail-'end'\r")
    first.until_shows(b"tail-end\r\nready$ ")
    second = stage.browser(after=0, epoch=first.hello["epoch"])
    second.until_shows(b"tail-end\r\nready$ ")
    assert second.hello["replay"] == "screen"
    preamble = second.hello["preamble"]
    assert preamble.startswith("\x1bc")
    assert {"\x1b[?1049h", "\x1b[?1h", "\x1b[5;9r"} <= set(
        preamble.replace("\x1b", "\n\x1b").split()
    )
    assert first.output.endswith(second.output)


def test_a_restored_screen_makes_the_program_draw_again(stage: Stage) -> None:
    stage.shell(NAME, "python3", "-c", TELLS_ITS_SIZE)
    browser = stage.browser()
    browser.until_shows(b"x\r\n")
    again = stage.browser()
    again.until_shows(b"size 23\r\n")
    again.until_shows(b"size 24\r\n")
    assert again.hello["rows"] == 24


def test_the_ring_outlives_a_killed_pump(stage: Stage) -> None:
    shell = stage.shell()
    before = stage.browser()
    before.until_ready()
    before.type("echo first-$((1 + 1))\r")
    before.until_shows(b"first-2\r\nready$ ")
    seen, epoch = before.next_seq, before.hello["epoch"]
    stage.kill_pump()
    before.until_closed()
    os.write(shell.master, b"echo second-$((2 + 2))\r")
    stage.start_pump()
    after = stage.browser(after=seen, epoch=epoch)
    after.until_shows(b"second-4")
    assert after.hello["replay"] == "exact"
    assert after.hello["epoch"] == epoch
    assert b"first" not in after.output


def test_no_byte_is_lost_or_doubled_when_the_pump_is_killed_in_a_flood(stage: Stage) -> None:
    shell = stage.shell(NAME, "sh", "-c", "stty raw; seq 400000; exec sleep 1000")
    browser = stage.browser()
    browser.until_shows(b"50000\n")
    stage.kill_pump()
    browser.until_closed()
    stage.start_pump()
    again = stage.browser(after=browser.next_seq, epoch=browser.hello["epoch"])
    again.until_shows(b"\n400000\n")
    assert again.hello["replay"] == "exact"
    printed = (browser.output + again.output).removeprefix(size_mark(24, 80))
    numbers = [int(line) for line in printed.split()]
    wrong = next((i for i, n in enumerate(numbers, 1) if n != i), None)
    assert wrong is None, f"at {wrong}: {numbers[wrong - 3 : wrong + 3]}, head {shell.head}"


def test_viewers_stay_when_the_runtime_restarts(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    stage.close_runtime()
    stage.open_runtime()
    stage.meet_pump()
    browser.type("echo still-$((3 + 3))\r")
    browser.until_shows(b"still-6")
    assert len(browser.find("H")) == 1


def test_a_flood_keeps_the_pump_small_and_control_c_gets_through(stage: Stage) -> None:
    shell = stage.shell()
    stage.shell("1a2b3c4d.2")
    browser, stalled = stage.browser(), stage.browser(person="ben")
    browser.until_ready()
    stalled.until_ready()
    before = stage.memory_bytes
    browser.type("yes\r")
    browser.until(lambda: len(browser.output) > 8_000_000, "a flood", 60)
    assert stage.memory_bytes - before < 4_000_000
    browser.type("\x03")
    browser.until(lambda: browser.output.rstrip().endswith(b"ready$"), "the prompt after Ctrl-C")
    assert shell.head > 8_000_000


def test_a_viewer_that_never_draws_bounds_what_is_sent(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.draws = False
    browser.until_ready()
    browser.type("seq 1000000\r")
    browser.until(lambda: len(browser.output) >= 250_000, "the window")
    browser.listen(0.5)
    assert len(browser.output) <= 256 * 1024


def test_a_program_without_viewers_runs_at_full_speed(stage: Stage) -> None:
    shell = stage.shell(NAME, "sh", "-c", "seq 1000000; echo over; exec sleep 1000")
    wait_for(lambda: shell.head > 6_000_000, "output nobody watches")
    browser = stage.browser()
    browser.until_shows(b"over\r\n")


def test_a_stalled_viewer_stops_holding_the_program_and_gets_the_screen(stage: Stage) -> None:
    shell = stage.shell(NAME, "sh", "-c", "seq 1000000; echo over; exec sleep 1000")
    browser = stage.browser()
    browser.draws = False
    browser.until(lambda: len(browser.output) >= 250_000, "the window")
    wait_for(lambda: shell.head > 6_000_000, "the program to go on alone")
    browser.draws = True
    browser.drawn(browser.next_seq or 0)
    browser.until_shows(b"over\r\n")
    assert browser.hello["replay"] == "screen"


def test_a_programs_question_is_answered_once_however_many_look(stage: Stage) -> None:
    stage.shell("1a2b3c4d.1", "sh", "-c", "stty raw -echo; echo; exec od -An -c -v -w1")
    one, two = stage.browser(), stage.browser()
    watcher = stage.browser(may="watch")
    for browser in (one, two, watcher):
        browser.until_ready()
    one.until_shows(b"\n")
    two.type("\x1b[?1;2c")
    one.until_shows(b"c\n")
    for browser in (watcher, one):
        browser.type("\x1b[?1;2c")
    two.type("\x1bP1+r\x1b\\\x1b[2;3R")
    one.until_shows(b"R\n")
    one.type(".")
    one.until_shows(b".\n")
    assert [line.strip() for line in bytes(one.output).splitlines()].count(b"033") == 4
    assert watcher.find("P") == []


def test_a_shell_that_ends_is_told_and_a_new_one_takes_its_place(stage: Stage) -> None:
    old = stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.type("echo bye; exit\r")
    browser.until(lambda: browser.find("E"), "the end")
    assert browser.find("E") == [{"reason": "shell"}]
    assert b"bye\r\n" in browser.output
    epoch = browser.hello["epoch"]
    stage.shell()
    browser.until(lambda: len(browser.find("H")) == 2, "the new shell")
    assert browser.hello["epoch"] != epoch
    browser.until(lambda: len(browser.find("R")) == 2, "ready again")
    browser.type("echo again-$((5 + 5))\r")
    browser.until_shows(b"again-10")
    old.close()


def test_a_shell_that_leaves_a_program_behind_still_ends(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.type("trap '' HUP; sleep 30 & echo left-$((1 + 1)); exec true\r")
    browser.until_shows(b"left-2")
    stage.tell(type="ended", terminal=NAME)
    browser.until(lambda: browser.find("E"), "the end")


def test_a_lab_that_goes_takes_its_viewers_along(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    stage.tell(type="gone", terminal=NAME)
    browser.until_closed()
    assert browser.find("E") == [{"reason": "lab"}]
    assert stage.pump.activity() == []


def test_a_notice_stands_in_the_output_of_everyone(stage: Stage) -> None:
    stage.shell()
    one, two = stage.browser(), stage.browser()
    stage.tell(type="notice", terminal=NAME, text="\r\n── slipway: memory limit\r\n")
    one.until_shows("── slipway: memory limit".encode())
    two.until_shows("── slipway: memory limit".encode())


def test_a_browser_may_come_a_moment_before_its_terminal(stage: Stage) -> None:
    browser = stage.browser("99999999.1")
    stage.shell("99999999.1")
    browser.until_ready()
    browser.type("echo late-$((7 + 7))\r")
    browser.until_shows(b"late-14")


def test_bytes_that_came_with_the_handshake_are_typed(stage: Stage) -> None:
    stage.shell()
    pings = b"\x89\x80\x00\x00\x00\x00"
    browser = stage.browser(early=pings[:3])
    browser.send_raw(pings[3:])
    browser.until_ready()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (b"\xc2\x80\0\0\0\0", 1002),  # a reserved bit
        (b"\x83\x80\0\0\0\0", 1002),  # a type that doesn't exist
        (b"\x80\x80\0\0\0\0", 1002),  # a continuation of nothing
        (b"\x09\x80\0\0\0\0", 1002),  # a ping in pieces
        (b"\x82\xff" + b"\x7f" + b"\xff" * 7 + b"\0\0\0\0", 1009),  # huge
        (b"\x81\x80\0\0\0\0", 1003),  # text
        (b"\x88\x80\0\0\0\0", 1000),  # goodbye
    ],
)
def test_a_broken_frame_ends_its_own_connection_only(stage: Stage, sent: bytes, code: int) -> None:
    stage.shell()
    neighbour, browser = stage.browser(), stage.browser()
    browser.until_ready()
    browser.send_raw(sent)
    browser.until_closed()
    assert browser.closed_with == code
    neighbour.until_ready()
    neighbour.type("echo fine-$((8 + 8))\r")
    neighbour.until_shows(b"fine-16")


@pytest.mark.parametrize(
    "payload",
    [b"", b"?", b"I", b"Z", b"Z\0\0\0\0", b"Z\xff\xff\xff\xff", b"A\0", b"A" + b"\xff" * 8, b"H{}"],
)
def test_a_message_that_is_not_in_the_table_is_refused_by_name(
    stage: Stage, payload: bytes
) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.send(payload)
    browser.until(lambda: browser.find("P"), "a refusal")
    assert browser.find("P")[0]["code"] == "terminal-message"
    browser.type("echo lives-$((9 + 9))\r")
    browser.until_shows(b"lives-18")


def test_a_sleeping_browser_is_not_waited_for_by_its_neighbour(stage: Stage) -> None:
    stage.shell()
    stage.shell("1a2b3c4d.2")
    asleep, awake = stage.browser(), stage.browser("1a2b3c4d.2")
    asleep.until_ready()
    awake.until_ready()
    asleep.type("seq 10000000\r")
    awake.type("echo quick-$((2 + 1))\r")
    awake.until_shows(b"quick-3")


def test_a_pump_told_to_stop_stops(stage: Stage) -> None:
    stage.process.send_signal(signal.SIGTERM)
    assert stage.process.wait(10) == 0


def test_a_second_pump_that_takes_over_ends_the_first(stage: Stage) -> None:
    shell: Shell = stage.shell()
    browser = stage.browser()
    browser.until_ready()
    header = os.pread(shell.ring, 24, 0)
    os.pwrite(shell.ring, header[:16] + b"somebody", 0)
    browser.type("echo hi\r")
    browser.until_closed()
    assert browser.closed_with == 1012
    assert b"hi" not in browser.output


def test_the_browser_is_told_when_a_program_takes_the_terminal_and_gives_it_back(
    stage: Stage,
) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until(lambda: browser.find("F") == [False], "the shell in front")
    browser.type("cat\r")
    browser.until(lambda: browser.find("F") == [False, True], "a program in front, with no output")
    later = stage.browser()
    later.until(lambda: later.find("F") == [True], "told at once")
    # In front is first the shell's child, which still ignores Ctrl-C, and then the program.
    browser.type("hi\r")
    browser.until(lambda: browser.output.count(b"hi") == 2, "the program's answer")
    browser.type("\x03")
    browser.until(lambda: browser.find("F") == [False, True, False], "the shell in front again")


def test_a_knock_is_answered_also_while_the_program_floods(stage: Stage) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_ready()
    browser.type("yes\r")
    browser.until_shows(b"y\r\ny\r\n")
    browser.send(b"K")
    browser.until(lambda: browser.find("K"), "a sign of life")
