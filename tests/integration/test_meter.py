"""The figures of a lab agree with whoever else measures it, and unknown ones say so."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.machine import qemu
from tests.integration.lab_harness import Lab, place_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

HELD_BYTES = 150 << 20
MANY_BYTES = 600 << 20  # well above what others on this machine take and give meanwhile
BUSY_S = 3


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "measured")
    yield made
    made.remove()


def figures_of(lab: Lab) -> dict[str, Any]:
    """The container's side."""
    found: dict[str, Any] = lab.client.meter_read(lab.id)["container"]
    return found


def hold(lab: Lab, size_bytes: int) -> None:
    """Let the lab hold memory until it ends."""
    program = f"x = b'x' * {size_bytes}; print('held', flush=True); input()"
    lab.begin(f'sleep 1000 | python3 -c "{program}" >/tmp/held')
    wait_for(lambda: lab.sh("cat /tmp/held 2>/dev/null").text == "held\n", "held memory")


@pytest.mark.kernel
def test_memory_and_processes_agree_with_the_kernels_own_files(runtime: Server, lab: Lab) -> None:
    hold(lab, HELD_BYTES)
    time_of_next_reading(lab)
    figures = figures_of(lab)
    pids = place_of(runtime.instance).pids(lab.id)
    pss = sum(pss_of(pid) for pid in pids)
    assert figures["memory_bytes"] == pytest.approx(HELD_BYTES, rel=0.1)
    assert figures["pss_bytes"] == pytest.approx(pss, rel=0.1)
    assert figures["processes"] == len(pids)
    assert figures["threads"] >= figures["processes"]
    assert figures["kernel"]["release"] == os.uname().release
    assert figures["kernel"]["own"] is False


def test_what_the_headline_says_is_what_the_server_gets_back(runtime: Server) -> None:
    def is_given_back() -> bool:
        lab = Lab(runtime.client, "given-back", limits={"memory_bytes": 1 << 30})
        try:
            hold(lab, MANY_BYTES)
            headline = figures_of(lab)["memory_bytes"]
            before = available_bytes()
        finally:
            lab.remove()
        return comes_back(before, headline)

    # What else this machine does moves the same figure, so one quiet moment is waited for.
    wait_for(is_given_back, "a quiet moment", deadline_s=120)


def test_disk_and_processor_time_agree_with_what_was_spent(lab: Lab) -> None:
    before = figures_of(lab)
    assert lab.sh("head -c 40000000 /dev/urandom > /root/noise; sync").code == 0
    lab.run("python3", "-c", f"import time\nwhile time.process_time() < {BUSY_S}: pass")
    after = wait_for(lambda: changed(lab, before, "disk_bytes"), "disk", deadline_s=90)
    assert after["disk_bytes"] - before["disk_bytes"] == pytest.approx(40_000_000, rel=0.1)
    assert after["cpu_seconds"] - before["cpu_seconds"] == pytest.approx(BUSY_S, rel=0.1)


@pytest.mark.kernel
def test_pressure_is_unknown_on_v1_and_a_figure_on_v2(runtime: Server, lab: Lab) -> None:
    pressure = figures_of(lab)["pressure"]
    if place_of(runtime.instance).version == 1:
        assert pressure is None
    else:
        assert set(pressure) == {"cpu", "memory", "io"}


@pytest.mark.kernel
def test_a_start_is_timed_cold_and_its_container_is_gone(runtime: Server, lab: Lab) -> None:
    assert figures_of(lab)["starts"]["cold"] is None
    began = time.monotonic()
    start = lab.client.meter_start(lab.id)
    took_ms = (time.monotonic() - began) * 1000
    assert set(start["stages_ms"]) == {"engine", "shell"}
    assert sum(start["stages_ms"].values()) == pytest.approx(start["ms"], rel=0.01)
    assert 0 < start["ms"] < took_ms
    assert figures_of(lab)["starts"]["cold"] == start
    assert place_of(runtime.instance).labs() == {lab.id}


def changed(lab: Lab, before: dict[str, Any], name: str) -> dict[str, Any]:
    """A reading in which a figure is another one; empty until there is one."""
    now = figures_of(lab)
    return now if now[name] != before[name] else {}


def time_of_next_reading(lab: Lab) -> None:
    """A reading is kept for a moment; wait for the one after it."""
    first = lab.client.meter_read(lab.id)["at"]
    wait_for(lambda: lab.client.meter_read(lab.id)["at"] != first, "a new reading")


def pss_of(pid: int) -> int:
    return rolled(pid, "Pss")


def rolled(pid: int, name: str) -> int:
    """A line of the sums over all areas of a process's memory, in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024


def comes_back(before: int, amount: int) -> bool:
    """Whether the server has that much more, in some seconds.

    What is freed lies with each processor at first, for its next use, and isn't counted there.
    """
    try:
        wait_for(lambda: abs(available_bytes() - before - amount) < amount * 0.1, "it", 4)
    except AssertionError:
        return False
    return True


def available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) * 1024


def test_a_machine_is_counted_and_limited_from_its_first_second(runtime: Server, lab: Lab) -> None:
    """Not only at its prompt: so it is also tried where a boot takes minutes."""

    def figures() -> dict[str, Any]:
        lab.client.machine_boot(lab.id)
        found: dict[str, Any] = lab.client.meter_read(lab.id)["machine"] or {}
        return found

    def record() -> dict[str, Any]:
        found: dict[str, Any] = lab.client.lab_get(lab.id)["machine"]
        return found

    wait_for(lambda: figures().get("cpu_seconds", 0) > 1, "a machine that works", deadline_s=120)
    place, group = place_of(runtime.instance), f"{lab.id}.m"
    limits = wait_for(lambda: place.read_limits(group), "its limits")
    assert limits
    assert limits.memory_bytes == qemu.OVERHEAD_BYTES + record()["memory_bytes"]
    assert limits.pids == qemu.PIDS
    place.write_limits(group, replace(limits, memory_bytes=8 << 30))  # as somebody else might
    wait_for(lambda: place.read_limits(group) == limits, "its limits again")
    wait_for(lambda: place.pids(group) == {record()["pid"]}, "one process in its group")

    def agrees(name: str, counted: str) -> bool:
        with suppress(OSError):  # one whose boot was given up; the next has begun
            shown = figures().get(name)
            return bool(shown == pytest.approx(rolled(record()["pid"], counted), rel=0.1))
        return False

    wait_for(lambda: agrees("pss_bytes", "Pss"), "its PSS", deadline_s=120)
    wait_for(lambda: agrees("memory_bytes", "Anonymous"), "its own memory", deadline_s=120)
    shown = figures()
    assert (shown["processes"], shown["memory_limit_bytes"]) == (1, limits.memory_bytes)
    v2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert (shown["pressure"] is not None) is v2
