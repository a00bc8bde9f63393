"""Where a workshop wants it, `free` and its like show the container; and it opens no hole."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.container import lxcfs
from tests.integration.lab_harness import Lab, place_of
from tests.leftovers import lives
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = [
    pytest.mark.skipif(bool(lxcfs.missing()), reason="no lxcfs, or no /dev/fuse"),
]

MEMORY_MB = 96
LIMITS = {"memory_bytes": MEMORY_MB << 20, "cpu_cores": 1.0}
TOTAL = "free -m | awk '/^Mem/ {print $2}'"


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "own-figures", limits=LIMITS, own_figures=True)
    yield made
    made.remove()


def program_of(runtime: Server) -> int:
    """The one lxcfs of this server."""
    marks = f"{runtime.instance.run_path}/figures/"
    found = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if is_started_with(folder, lxcfs.PROGRAM, marks)
    ]
    assert len(found) == 1
    return found[0]


def is_started_with(folder: Path, *words: str) -> bool:
    try:
        said = (folder / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return all(word in said for word in words)


def test_a_lab_is_shown_the_server_s_figures_unless_it_was_asked_for(runtime: Server) -> None:
    plain = Lab(runtime.client, "plain-figures", limits=LIMITS)
    assert plain.record["figures"] == "server"
    assert int(plain.sh(TOTAL).text) == os.sysconf("SC_PHYS_PAGES") * 4096 >> 20
    assert int(plain.sh("nproc").text) == len(os.sched_getaffinity(0))
    plain.remove()


@pytest.mark.kernel
def test_free_nproc_and_proc_show_the_lab_s_own_limits(runtime: Server, lab: Lab) -> None:
    assert (lab.record["figures"], lab.record["figures_why"]) == ("container", "")
    assert int(lab.sh(TOTAL).text) == MEMORY_MB
    assert lab.sh("grep MemTotal /proc/meminfo").text.split()[1] == str(MEMORY_MB << 10)
    assert lab.sh("nproc").text == "1\n"
    assert lab.sh("grep -c ^processor /proc/cpuinfo").text == "1\n"
    assert runtime.client.lab_walls(lab.id)["figures"] == {"whose": "container", "why": ""}
    rows = {row["name"]: row["container"] for row in runtime.client.meter_isolation(lab.id)["rows"]}
    assert rows["cpu"]["value"] == "1 core of the server's"
    assert re.fullmatch(r"[0-9]+ s, the container's", rows["uptime"]["value"])


def test_limits_of_lxcfs_that_somebody_takes_away_come_back(runtime: Server, lab: Lab) -> None:
    assert lab.record["figures"] == "container"
    place = place_of(runtime.instance)
    limits = place.read_limits("lxcfs")
    assert limits
    place.write_limits("lxcfs", replace(limits, memory_bytes=8 << 30))
    wait_for(lambda: place.read_limits("lxcfs") == limits, "its limits again")


@pytest.mark.kernel
def test_root_inside_can_neither_write_nor_take_away_these_files(lab: Lab) -> None:
    said = lab.sh("echo x >/proc/meminfo; umount /proc/meminfo; mount -o remount,rw /proc/meminfo")
    assert said.text.count("Permission denied") + said.text.count("Read-only") >= 1
    assert int(lab.sh(TOTAL).text) == MEMORY_MB
    assert "lxcfs" not in lab.sh("ls / /run /var/lib").text
    options = [
        line for line in lab.sh("cat /proc/self/mounts").text.splitlines() if "lxcfs" in line
    ]
    assert len(options) == len(lxcfs.FILES)
    assert all({"ro", "nosuid", "nodev", "noexec"} <= set(o.split()[3].split(",")) for o in options)


def test_a_runtime_that_is_killed_costs_no_lab_its_figures(runtime: Server, lab: Lab) -> None:
    before = program_of(runtime)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert lab.client.lab_get(lab.id)["figures"] == "container"
    assert int(lab.sh(TOTAL).text) == MEMORY_MB
    lab.remove()
    wait_for(lambda: not lives(before), "the end of an lxcfs that nobody uses")


def test_a_lab_outlives_lxcfs_and_says_whose_figures_it_shows(runtime: Server, lab: Lab) -> None:
    os.kill(program_of(runtime), signal.SIGKILL)
    wait_for(lambda: lab.client.lab_get(lab.id)["figures"] == "server", "it to be noticed")
    assert int(lab.sh(TOTAL).text) > MEMORY_MB
    assert lab.client.lab_get(lab.id)["figures_why"] == "lxcfs ended while this container ran."
    again = Lab(runtime.client, "own-figures-again", limits=LIMITS, own_figures=True)
    assert int(again.sh(TOTAL).text) == MEMORY_MB
    again.remove()
