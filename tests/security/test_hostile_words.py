"""A learner's programs call themselves what they like, and their files are what nobody expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from tests.integration.lab_harness import Lab, quoted
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    lab = Lab(runtime.client, "words", limits={"pids": 100})
    yield lab
    lab.remove()


def test_what_a_program_calls_itself_does_nothing_to_who_reads_it(lab: Lab) -> None:
    name = r'$0 = "evil\e[2J\r\n\x{9b}31m" x 3000'
    lab.begin(f"exec perl -e {quoted(name + '; sleep 600')}")
    lab.begin("exec sleep 600")
    wait_for(lambda: "sleep" in lab.programs(), "the witness")
    wait_for(lambda: any(map(is_evil, lab.programs())), "the attack")
    listed = lab.client.lab_processes(lab.id)
    assert "evil" in json.dumps(listed)
    assert all(each["comm"].isprintable() and each["args"].isprintable() for each in listed)


def is_evil(program: str) -> bool:
    return program.startswith("evil")


@pytest.mark.parametrize(
    ("make", "name"),
    [("mkfifo", "pipe"), ("ln -s /dev/zero", "endless")],
    ids=["a pipe that nobody writes", "a file without an end"],
)
def test_a_file_that_never_ends_makes_a_check_fail_in_its_time_and_nobody_wait(
    lab: Lab, runtime: Server, make: str, name: str
) -> None:
    assert lab.sh(f"{make} /home/learner/{name}").code == 0
    with pytest.raises(Problem) as broke:
        lab.check(f"#!/bin/sh\ngrep -q found /lab/home/learner/{name}", timeout_s=1)
    assert broke.value.code == "check-timed-out"
    assert lab.check("#!/bin/sh\necho fine")["stdout"] == "fine\n"
    assert runtime.client.status()["ready"] is True


def test_a_link_in_the_lab_leads_a_check_nowhere_outside(lab: Lab) -> None:
    lab.sh("ln -s /etc/hostname /tmp/up; ln -s ../../../../../etc/hostname /tmp/over")
    lab.sh("ln -s /proc/1/root/etc/hostname /tmp/first; echo mine > /tmp/plain")
    said = lab.check("#!/bin/sh\ncd /lab/tmp\ncat plain up over first 2>&1; true")["stdout"]
    assert said.startswith("mine\n")
    assert Path("/etc/hostname").read_text().strip() not in said
