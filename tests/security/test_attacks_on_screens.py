"""What a learner's programs call themselves and print, and who else reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import quoted
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.security.arena import Arena

# Clears a screen, sets its title and its clipboard, asks it for an answer, and says it in C1 too.
EVIL = r"evil\e[2J\e]0;owned\a\e]52;c;cHduZWQ=\a\e[c\x{9b}31m\r\n"
PRINTED = EVIL.replace(r"\x{9b}", r"\233")


def test_escape_sequences_in_a_programs_name(arena: Arena) -> None:
    """Where the instructor reads of it: the list of processes, and what was killed for memory."""
    lab, client = arena.mallory, arena.runtime.client
    with arena.attack("escape sequences: names of programs", "only printable letters pass") as row:
        named = f'$0 = "{EVIL}" x 30; sleep 600'
        lab.begin(f"exec perl -e {quoted(named)}")
        wait_for(lambda: any(name.startswith("evil") for name in lab.programs()), "the attack")
        row.compare()
        listed = client.lab_processes(lab.id)
        assert "evil" in json.dumps(listed)
        assert all(each["comm"].isprintable() and each["args"].isprintable() for each in listed)
        with client.follow(0) as events:
            hog = f'$0 = "{EVIL}"; my @all; push @all, "x" x (1 << 20) while 1'
            lab.begin(f"exec perl -e {quoted(hog)}", user="root")
            while (packet := events.receive()) is not None:
                if packet.body["type"] == "lab.limit":
                    break
        assert packet is not None
        assert packet.body["sentence"].isprintable()


@pytest.mark.parametrize("stream", ["1", "2"])
def test_escape_sequences_in_what_a_check_finds(arena: Arena, stream: str) -> None:
    """A check may print what it found in the lab; it comes as text, bounded, and is no command."""
    with arena.attack(f"escape sequences: a check's words ({stream})", "bounded text") as row:
        arena.mallory.sh(f"printf '{PRINTED}' >/tmp/said")
        said = arena.mallory.check(f"#!/bin/sh\nhead -c 100000 /lab/tmp/said >&{stream}")
        assert "evil" in said["stdout" if stream == "1" else "stderr"]
        row.compare()
        assert len(said["stdout"]) + len(said["stderr"]) <= 16 << 10
        json.dumps(said).encode("ascii")
