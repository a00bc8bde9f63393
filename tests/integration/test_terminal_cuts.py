"""However a connection is cut, the screen is the one of a connection that was not.

Both clients' bytes are drawn by the emulator that the page uses, without a browser, and compared
cell by cell, with cursor, buffer and modes.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.pump_harness import RING_BYTES, Browser, Stage

TOP = Path(__file__).parents[2]
CUTS = 250
Deeds = list[tuple[str, Any]]

PIECES = (
    b"plain words ",
    b"\r\n",
    b"\x1b[31mred\x1b[0m",
    b"\x1b[38;2;10;200;30mtrue colour ",
    b"\x1b[1;7mbold and inverse\x1b[m",
    "wide: 漢字 é 🙂 ".encode(),
    b"\x1b[5;20H",
    b"\x1b[2K",
    b"\x1b[3A\x1b[7C",
    b"\x1b[?25l",
    b"\x1b[?25h",
    b"\x1b[?1h\x1b=",
    b"\x1b[?1l\x1b>",
    b"\x1b[?2004h",
    b"\x1b[?1000h\x1b[?1006h",
    b"\x1b[4;18r",
    b"\x1b[r",
    b"\x1b(0lqqk\x1b(B",
    b"\x0elqk\x0f",
    b"\x1b)0",
    b"\x1b[?1049h\x1b[H\x1b[2Jother screen",
    b"\x1b[?1049l",
    b"\x1b]0;a title\x07",
    b"\x1b[?6h\x1b[2;2H\x1b[?6l",
    b"\tx\x08y\x1b[2P\x1b[@",
    b"x" * 100,
)

# A full-screen program: prints much more than a ring holds, then draws at each new size, as vim,
# less, htop and tmux do, with the modes that it has switched on before.
PROGRAM = """
import os, signal, sys, time
def draw(*_):
    rows, cols = os.get_terminal_size().lines, os.get_terminal_size().columns
    out = "\\x1b[H\\x1b[2J"
    for row in range(1, rows):
        out += "\\x1b[%d;1H\\x1b[3%dmrow %d\\x1b[0m" % (row, row % 8, row)
    out += "\\x1b[%d;5H\\x1b[7mstatus\\x1b[0m\\x1b[3;9H" % rows
    sys.stdout.write(out)
    sys.stdout.flush()
signal.signal(signal.SIGWINCH, draw)
sys.stdout.write(MODES)
for number in range(50000):
    place = (number % 23 + 1, number % 70, number % 8, number)
    sys.stdout.write("\\x1b[%d;%dH\\x1b[4%dm%d" % place)
draw()
while True:
    signal.pause()
"""
STATUS = b"\x1b[24;5H\x1b[7mstatus"
MODES = [
    "\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h",
    "\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h",
    "\x1b[?47h\x1b[?1002h\x1b[?1004h\x1b)0",
    "\x1b[?1049h\x1b[5;20r\x1b[?7l",
]


def screens(cases: list[Deeds]) -> list[dict[str, Any]]:
    """What each client shows in the end."""
    done = subprocess.run(
        ["node", "tests/integration/screens.mjs"],
        cwd=TOP,
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    shown: list[dict[str, Any]] = json.loads(done.stdout)
    return shown


def listen_until(browser: Browser, seq: int | None) -> None:
    browser.until(lambda: browser.next_seq == seq, f"everything up to {seq}")


def until_drawn_again(browser: Browser) -> None:
    browser.until(lambda: bytes(browser.output).count(STATUS) >= 2, "the last drawing")


def write(data: bytes) -> tuple[str, str]:
    return "write", base64.b64encode(data).decode()


def deeds_of(browser: Browser) -> Deeds:
    """What a page does with what it was sent, as static/js/elements/terminal-screen.js."""
    deeds: Deeds = []
    at = 0
    for kind, fact, reached in browser.timeline:
        if reached > at:
            deeds.append(write(bytes(browser.output[at:reached])))
            at = reached
        if kind == "H":
            deeds.append(("resize", [fact["rows"], fact["cols"]]))
            if fact["replay"] != "exact":
                deeds += [("reset", None), write(fact["preamble"].encode())]
        elif kind == "S":
            deeds.append(("resize", list(fact)))
    return [*deeds, write(bytes(browser.output[at:]))]


@pytest.mark.parametrize("seed", range(2))
def test_a_cut_at_any_byte_leaves_the_screen_of_no_cut(stage: Stage, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same cuts each time
    stream = b"".join(dice.choice(PIECES) for _ in range(200)) + b"\r\nover"
    path = stage.run_path / "stream"
    path.write_bytes(stream)
    stage.shell("1a2b3c4d.1", "sh", "-c", f"stty raw; cat {path}; exec sleep 100")
    whole = stage.browser()
    whole.until_shows(b"over")
    cases = [deeds_of(whole)]
    raw = bytes(whole.raw)
    for cut in dice.sample(range(len(raw)), CUTS):
        before = Browser.of_bytes(raw[:cut])
        after = stage.browser(after=before.next_seq, epoch=whole.hello["epoch"])
        after.until_ready()
        listen_until(after, whole.next_seq)
        cases.append([*deeds_of(before), *deeds_of(after)])
        after.close()
    shown, *others = screens(cases)
    assert [other == shown for other in others] == [True] * CUTS


@pytest.mark.parametrize("modes", MODES)
def test_who_was_away_too_long_gets_screen_cursor_and_modes_back(stage: Stage, modes: str) -> None:
    program = PROGRAM.replace("MODES", repr(modes))
    shell = stage.shell("1a2b3c4d.1", "python3", "-c", program)
    whole = stage.browser()
    whole.until_shows(b"status")
    dice = random.Random(1)  # noqa: S311 - the same cuts each time
    for _ in range(2):
        cut = dice.randrange(1, shell.head - RING_BYTES)
        before = Browser.of_bytes(bytes(whole.raw[:cut]))
        after = stage.browser(after=before.next_seq, epoch=whole.hello["epoch"])
        until_drawn_again(after)
        listen_until(whole, shell.head)
        listen_until(after, shell.head)
        assert after.hello["replay"] == "screen"
        cases = [deeds_of(whole), [*deeds_of(before), *deeds_of(after)]]
        shown, other = screens(cases)
        assert other == shown
        after.close()


def test_a_text_that_went_on_in_colour_comes_back_in_colour(stage: Stage) -> None:
    shell = stage.shell(
        "1a2b3c4d.1", "sh", "-c", "printf '\\033[31;44m\\033[4h'; seq 200000; exec sleep 100"
    )
    whole = stage.browser()
    whole.until_shows(b"200000\r\n")
    after = stage.browser(after=0, epoch=whole.hello["epoch"])
    listen_until(after, shell.head)
    assert after.hello["replay"] == "screen"
    shown, other = screens([deeds_of(whole), deeds_of(after)])
    assert other["rows"] == shown["rows"]
    assert other["cursor"] == shown["cursor"]
