"""Limits that are met are told in plain words: the program, what it took, what there is."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import Lab, read_until
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Feed
    from tests.conftest import Server

LIMITS = {"memory_bytes": 64 << 20, "pids": 40, "cpu_cores": 0.1, "inodes": 2048}
BOMB = "import os, time\ntry:\n  while True:\n    if not os.fork(): time.sleep(600)\n"


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "told", limits=LIMITS)
    yield made
    made.remove()


def told(events: Feed, limit: str) -> str:
    """The next sentence about this limit."""
    while True:
        packet = events.receive()
        assert packet is not None
        if packet.body["type"] == "lab.limit" and packet.body["limit"] == limit:
            return str(packet.body["sentence"])


@pytest.mark.kernel
def test_who_has_too_many_processes_reads_whose_they_are(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as events:
        lab.run("python3", "-c", BOMB + "except OSError: pass")
        sentence = told(events, "pids")
    found = re.fullmatch(
        r"No more processes: your container reached its 40; python3 has (\d+) of them\. "
        r"End some with kill, or close a terminal\.",
        sentence,
    )
    assert found, sentence
    assert 30 < int(found[1]) <= 40


def test_who_wants_more_processor_time_reads_that_it_runs_on(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as events:
        lab.begin("sha256sum /dev/zero & sha256sum /dev/zero; wait")
        sentence = told(events, "cpu")
    # On a slow machine the shell meets this limit as it starts, and it is told once.
    program = re.fullmatch(
        r"CPU limit: (\S+) gets 0\.1 cores and wants more\. It runs on, slower\.", sentence
    )
    assert program, sentence
    assert program[1] in {"sha256sum", "bash"}


def test_who_made_too_many_files_reads_how_many(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as events:
        lab.sh("mkdir /root/many; cd /root/many; seq 3000 | xargs touch")
        sentence = told(events, "inodes")
    assert sentence.startswith("No more files: your container made its 2048.")


def test_a_limit_is_told_in_the_terminal_in_two_yellow_lines(runtime: Server, lab: Lab) -> None:
    stream = runtime.client.terminal_stream(f"{lab.id}.1")
    read_until(stream, b"$ ")
    pump = runtime.client.pump_register("pump")
    lab.run("python3", "-c", "x = bytearray(300 << 20)")
    lines = wait_for(lambda: notice(pump, "memory limit"), "a notice").strip().split("\r\n")
    assert len(lines) == 2
    assert all(re.fullmatch(r"\x1b\[33m── slipway: .*\x1b\[0m", line) for line in lines)
    assert "memory limit" in lines[0]  # and not in the second
    pump.close()


def notice(pump: Feed, about: str) -> str:
    """The text of the next packet to the pump, if it is a notice about this.

    On a slow machine the shell's own start may have met another limit before.
    """
    packet = pump.receive()
    assert packet is not None
    with packet.descriptors:
        text = str(packet.body.get("text", ""))
        return text if about in text else ""


def test_who_is_to_give_way_is_told_what_keeps_their_container(runtime: Server) -> None:
    with runtime.client.follow(0) as events:
        lab = Lab(runtime.client, "unused")  # by then the runtime has heard that somebody listens
        runtime.client.lab_warn(lab.id, idle_s=900, left_s=120)
        assert told(events, "idle") == (
            "Nobody has used this container for 15 minutes, and somebody waits for its place. "
            "Press a key within 2 minutes and it stays yours."
        )
    lab.remove()


def test_who_has_little_time_left_is_warned_once_in_time(runtime: Server) -> None:
    with runtime.client.follow(0) as events:
        lab = Lab(runtime.client, "late", until=time.time() + 602)
        assert told(events, "time").startswith("10 minutes left: then your container ends.")
    lab.remove()
