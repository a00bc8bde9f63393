"""A check looks into a lab from outside: with the image's tools, and out of the learner's reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from tests.integration.lab_harness import Lab
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server


@pytest.fixture(scope="module")
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "checked", limits={"memory_bytes": 64 << 20, "pids": 30})
    yield made
    made.remove()


def test_a_check_uses_the_images_tools_and_not_the_learners(lab: Lab) -> None:
    assert lab.sh("printf '#!/bin/sh\\necho fooled' > /usr/local/bin/id").code == 0
    assert lab.sh("chmod +x /usr/local/bin/id; rm -f /usr/bin/cat; id").text == "fooled\n"
    said = lab.check("#!/bin/sh\nid -u\ncat /etc/debian_version >/dev/null && echo whole")
    assert said["stdout"] == "70000\nwhole\n"
    assert said["code"] == 0


def test_a_check_sees_the_learners_files_processes_and_network(lab: Lab) -> None:
    lab.sh("umask 077; echo hidden > ~/private; mount -t tmpfs", "learner")
    lab.sh("echo shared > /dev/shm/shared")
    lab.begin("exec sleep 4321")
    wait_for(lambda: "sleep" in lab.programs(), "the sleep")
    said = lab.check(
        "#!/bin/sh\n/bin/cat /lab/home/learner/private /lab/dev/shm/shared\n"
        "ps -ef | grep -c '[s]leep 4321'\nip -br addr show eth0\nhostname"
    )
    lines = said["stdout"].splitlines()
    assert lines[:3] == ["hidden", "shared", "1"]
    assert lab.record["address"] in lines[3]
    assert lines[4] == lab.record["hostname"]


def test_a_check_reads_the_runtimes_facts_on_descriptor_3(lab: Lab) -> None:
    script = (
        "#!/usr/bin/python3\nimport json, os\nfacts = json.load(os.fdopen(3))\n"
        "print(facts['answers']['color'], facts['uid_base'], facts['address'])\n"
        "print(sorted(facts['limits']))\nprint([p['inner_pid'] for p in facts['processes']][0])\n"
    )
    said = lab.check(script, answers={"color": "blue"})
    first, second, third = said["stdout"].splitlines()
    assert first == f"blue {lab.record['uid_base']} {lab.record['address']}"
    assert "'memory_kills'" in second
    assert third == "1"


@pytest.mark.kernel
def test_a_check_changes_nothing_in_the_lab(lab: Lab) -> None:
    said = lab.check("#!/bin/sh\ntouch /lab/mark /lab/dev/shm/mark /lab/tmp/mark; kill -9 2")
    assert said["stderr"].count("Read-only file system") == 3
    assert "not permitted" in said["stderr"]
    assert "bash" in lab.programs()


@pytest.mark.kernel
def test_the_labs_root_can_neither_end_nor_open_a_check(lab: Lab) -> None:
    lab.begin(
        "until pid=$(pgrep -u 4294967294,65534,70000 -f dev/fd/4 | head -1) && [ $pid ]; "
        "do :; done; { kill -9 $pid; ls -l /proc/$pid/root /proc/$pid/fd; cat /proc/$pid/environ; "
        "} > /root/tried.new 2>&1; echo done >> /root/tried.new; mv /root/tried.new /root/tried",
        "root",
    )
    said = lab.check(
        "#!/bin/sh\nfor try in $(seq 2000); do [ -f /lab/root/tried ] && break; sleep .01; done\n"
        "echo whole; exit 7",
        timeout_s=30,
    )
    assert (said["code"], said["stdout"]) == (7, "whole\n")
    tried = lab.run("tail", "-n", "50", "/root/tried").text
    assert "not permitted" in tried
    assert tried.count("ermission denied") >= 2


@pytest.mark.kernel
def test_a_check_runs_when_the_lab_is_at_its_limits(runtime: Server) -> None:
    full = Lab(runtime.client, "full", limits={"memory_bytes": 64 << 20, "pids": 30})
    try:
        full.begin("for n in $(seq 100); do sleep 300 & done; wait", "root")
        # The shell that met the limit has ended, and what a new terminal's shell had started
        # meanwhile: up to three places are free again, and the check needs four.
        wait_for(lambda: full.client.lab_usage(full.id)["pids"] >= 27, "a lab full of processes")
        said = full.check("#!/bin/sh\nx=$(seq 100000 | sort | wc -l); echo $x")
        assert said["stdout"] == "100000\n"
    finally:
        full.remove()


def test_a_check_that_takes_too_long_leaves_nothing_running(lab: Lab) -> None:
    with pytest.raises(Problem) as raised:
        lab.check("#!/bin/sh\nsetsid sleep 7654 &\nsleep 7654", timeout_s=0.5)
    assert raised.value.code == "check-timed-out"
    assert "7654" not in lab.check("#!/bin/sh\nps -ef")["stdout"]


@pytest.mark.kernel
def test_a_check_that_ends_leaves_nothing_running(lab: Lab) -> None:
    assert lab.check("#!/bin/sh\nsetsid sleep 8765 &\nexit 0")["code"] == 0
    assert "8765" not in lab.check("#!/bin/sh\nps -ef")["stdout"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("#!/bin/sh\nexit 1", 1),
        ("#!/bin/sh\nkill -9 $$", 137),
        ("#!/bin/nothing\n", 126),
        ("exit 5", 5),
    ],
)
def test_the_exit_code_tells_how_a_check_ended(lab: Lab, script: str, code: int) -> None:
    assert lab.check(script)["code"] == code


def test_a_check_that_floods_is_cut_and_harms_nobody(lab: Lab) -> None:
    said = lab.check("#!/bin/sh\nyes | head -c 30000000; echo $? >&2")
    assert len(said["stdout"]) == 8192
