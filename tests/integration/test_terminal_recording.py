"""What the pump writes down of a terminal."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pump_harness import Stage

NAME = "1a2b3c4d.1"


def recording(stage: Stage, path: Path) -> None:
    path.touch()
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    stage.pump.record(NAME, fd, time.time())
    os.close(fd)


def shown_in(path: Path, kind: str = "o") -> str:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [at for at, *_ in events] == sorted(at for at, *_ in events)
    return "".join(text for _, said, text in events if said == kind)


def test_a_recording_has_what_was_shown_and_the_size(stage: Stage, tmp_path: Path) -> None:
    stage.shell()
    browser = stage.browser()
    browser.until_shows(b"ready$ ")
    recording(stage, tmp_path / "cast")
    browser.type("echo früh; echo sp'ät'\r")
    browser.send(b"Z" + struct.pack(">HH", 30, 100))
    wait_for(lambda: "spät\r\n" in shown_in(tmp_path / "cast"), "the output in the file")
    assert "ready$ " in shown_in(tmp_path / "cast").partition("früh")[0]
    assert shown_in(tmp_path / "cast", "r").startswith("80x24")
    assert stage.pump.activity()[0]["recorded"]


def test_a_flood_leaves_a_recording_small_and_right_at_its_end(
    stage: Stage, tmp_path: Path
) -> None:
    stage.shell()
    recording(stage, tmp_path / "cast")
    browser = stage.browser()
    browser.until_ready()
    browser.type("seq 600000; echo o'ver'\r")
    browser.until_shows(b"over\r\n")
    wait_for(lambda: shown_in(tmp_path / "cast").endswith("over\r\nready$ "), "the end")
    assert (tmp_path / "cast").stat().st_size < 1_500_000


def test_only_a_file_is_written_to(stage: Stage) -> None:
    stage.shell()
    stage.browser().until_ready()
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(Problem, match="file"):
        stage.pump.record(NAME, theirs.fileno(), 0)
