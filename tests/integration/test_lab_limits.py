"""Limits hold, are told in words, and are put back when something else takes them away."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.forker import Forker
from runtime.limits import cgroup, joining
from runtime.limits.amounts import Limits
from runtime.limits.files import cgroup_mounts
from tests.integration.lab_harness import Lab, place_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Server

LIMITS = {"memory_bytes": 64 << 20, "pids": 40, "cpu_cores": 0.25}
HOG = "x = bytearray(300 << 20)"


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "limited", limits=LIMITS)
    yield made
    made.remove()


@pytest.mark.kernel
def test_the_kernel_holds_the_limits_that_were_asked_for(runtime: Server, lab: Lab) -> None:
    assert place_of(runtime.instance).read_limits(lab.id) == Limits(**LIMITS)  # type: ignore[arg-type]
    assert lab.record["pid"] in place_of(runtime.instance).pids(lab.id)


@pytest.mark.kernel
def test_who_joins_a_cgroup_that_expects_them_need_not_wait(runtime: Server) -> None:
    """Else half of what a lab's start takes is this wait. What runs beside may spare it us, too."""
    if any("favordynmods" in each.options for each in cgroup_mounts()):
        pytest.skip("nobody waits on this machine")
    place, forker = place_of(runtime.instance), Forker(("runtime.limits.joining",))
    unexpected, expected = [], []
    members = place.make("joined.m", Limits(**LIMITS))[0]  # type: ignore[arg-type]
    try:
        for _ in range(8):
            unexpected.append(join_ms(members))
            time.sleep(0.05)  # after which the kernel has forgotten that somebody joined
            with joining.expect(forker, place.members) as talk, suppress(BrokenPipeError):
                talk.receive()  # it ends without a word
            expected.append(join_ms(members))
            time.sleep(0.05)
    finally:
        forker.stop()
        place.kill("joined.m")
        place.remove("joined.m")
    assert min(expected) * 8 < max(unexpected)


def join_ms(members: Path) -> float:
    """Let a process join a cgroup, and end it; how long it stood at the door."""
    with subprocess.Popen(["sleep", "60"]) as child:
        began = time.perf_counter()
        members.write_text(str(child.pid))
        took = time.perf_counter() - began
        child.kill()
    return took * 1000


@pytest.mark.kernel
def test_a_program_over_the_memory_limit_ends_and_its_shell_lives(lab: Lab) -> None:
    said = lab.sh(f"python3 -c '{HOG}'; echo $?; echo alive")
    assert said.text.split()[-2:] == ["137", "alive"]
    usage = lab.client.lab_usage(lab.id)
    assert usage["memory_kills"] == 1
    assert usage["memory_limit_bytes"] == LIMITS["memory_bytes"]
    assert "bash" in lab.programs()


@pytest.mark.kernel
def test_the_one_who_met_the_memory_limit_is_told_which(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as events:
        lab.run("python3", "-c", HOG)
        while True:
            packet = events.receive()
            assert packet is not None
            # On a slow machine the shell's start has met the processor's limit before.
            if packet.body.get("limit") == "memory":
                break
    program, _, rest = packet.body["sentence"].partition(" was ended: ")
    assert program in {"python3", "A program"}
    had = re.fullmatch(
        r"memory limit(?:, it had (\d+) MB)?\. "
        r"Your container reached its 64 MB\. Nothing else stopped\.",
        rest,
    )
    assert had, rest
    assert program == "A program" or 32 < int(had[1]) <= 64


@pytest.mark.kernel
def test_a_fork_bomb_stops_at_its_limit_and_a_neighbour_goes_on(runtime: Server, lab: Lab) -> None:
    neighbour = Lab(runtime.client, "neighbour")
    try:
        bomb = "import os, time\ntry:\n  while True:\n    if not os.fork(): time.sleep(600)\n"
        said = lab.run("python3", "-c", bomb + "except OSError as error: print(error.strerror)")
        assert "Resource temporarily unavailable" in said.text
        assert lab.client.lab_usage(lab.id)["pids"] <= LIMITS["pids"]
        assert neighbour.run("echo", "fine").text == "fine\n"
    finally:
        neighbour.remove()


@pytest.mark.kernel
def test_busy_loops_get_their_share_and_no_more(lab: Lab) -> None:
    lab.begin("for each in 1 2 3; do while :; do :; done & done; wait")
    wait_for(lambda: lab.programs().count("sh") >= 3, "three loops")
    began = time.monotonic()
    first: float = lab.client.lab_usage(lab.id)["cpu_seconds"]

    def used() -> float:
        now: float = lab.client.lab_usage(lab.id)["cpu_seconds"]
        return now - first

    wait_for(lambda: used() > 0.4, "0.4 s of processor time")
    share = used() / (time.monotonic() - began)
    assert share < LIMITS["cpu_cores"] * 1.3


@pytest.mark.kernel
def test_limits_that_were_taken_away_are_put_back(runtime: Server, lab: Lab) -> None:
    place = place_of(runtime.instance)
    place.write_limits(lab.id, Limits(memory_bytes=1 << 30, pids=1000, cpu_cores=1))
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert place.read_limits(lab.id) == Limits(**LIMITS)  # type: ignore[arg-type]


def test_limits_that_somebody_takes_away_while_labs_run_come_back(
    runtime: Server, lab: Lab
) -> None:
    place = place_of(runtime.instance)
    together = place.held()
    place.write_limits(lab.id, Limits(memory_bytes=1 << 30, pids=1000, cpu_cores=1))
    place.hold(1 << 50, 1 << 20)
    wait_for(lambda: place.read_limits(lab.id) == Limits(**LIMITS), "the lab's own limits")  # type: ignore[arg-type]
    wait_for(lambda: place.held() == together, "the limits of all labs")


def test_weight_io_and_devices_that_somebody_sets_otherwise_come_back(
    runtime: Server, lab: Lab
) -> None:
    place = place_of(runtime.instance)
    told = place.told(lab.id)
    group = group_of(place, lab)
    differed = False
    for name, text in told.items():
        for path, word in otherwise(name, text):
            (group(name) / path).write_text(f"{word}\n")
            differed |= (group(name) / name).read_text() != text  # it is mended soon
    assert differed
    wait_for(lambda: are_told(place, lab, told), "all of it")


def test_what_can_not_be_put_back_ends_no_lab(runtime: Server, lab: Lab) -> None:
    record = runtime.instance.labs_path / lab.id / "lab.json"
    runtime.stop(signal.SIGKILL)
    told = json.loads(record.read_text())
    told["told"]["cpuset.cpus"] = "4095"  # a processor that is gone
    record.write_text(json.dumps(told))
    runtime.start()
    assert [each["lab"] for each in runtime.client.lab_list()] == [lab.id]
    place = place_of(runtime.instance)
    name, text = list(told["told"].items())[-1]  # after it
    for path, word in otherwise(name, text):
        (group_of(place, lab)(name) / path).write_text(f"{word}\n")
    wait_for(lambda: are_told(place, lab, {name: text}), "it to come back")


def are_told(place: cgroup.Place, lab: Lab, told: dict[str, str]) -> bool:
    """Whether the kernel holds a lab to what it was told."""
    found = place.told(lab.id)
    for name, text in told.items():
        same = {text}
        if name == "cpuset.cpus" and not text.strip():  # none of its own, or all of them, by name
            same.add((group_of(place, lab)(name).parent / f"{name}.effective").read_text())
        if found[name] not in same:
            return False
    return True


def otherwise(name: str, text: str) -> list[tuple[str, str]]:
    """What somebody would write, mostly to give a lab more; where."""
    match name:
        case "cpu.shares" | "cpu.weight":
            return [(name, "9000")]
        case "io.max":
            return [(name, f"{line.split()[0]} rbps=max wbps=max") for line in text.splitlines()]
        case "devices.list":
            return [("devices.allow", "a")]
        case _ if name.startswith("blkio"):
            return [(name, f"{line.split()[0]} 0") for line in text.splitlines()]
        case _:  # the processors that it may run on
            return [(name, "0")]


def group_of(place: cgroup.Place, lab: Lab) -> Callable[[str], Path]:
    """Where the files of a lab's cgroup are, by their name."""
    roots = {option: m.path for m in cgroup_mounts() for option in m.options}
    if place.version == 2:
        return lambda _: next(m.path for m in cgroup_mounts()) / place.oci_path(lab.id)[1:]
    return lambda name: roots[name.partition(".")[0]] / place.oci_path(lab.id)[1:]


@pytest.mark.kernel
def test_a_lab_reads_its_own_limits_and_changes_none(lab: Lab) -> None:
    name = "memory.max" if lab.sh("test -e /sys/fs/cgroup/memory.max").code == 0 else ""
    path = f"/sys/fs/cgroup/{name or 'memory/memory.limit_in_bytes'}"
    assert int(lab.sh(f"cat {path}").text) == LIMITS["memory_bytes"]
    assert "Read-only file system" in lab.sh(f"echo 1000000000 >{path}").text


@pytest.mark.kernel
def test_the_disk_of_a_lab_is_no_faster_than_it_may(lab: Lab) -> None:
    began = time.monotonic()
    said = lab.sh("dd if=/dev/zero of=/root/a bs=1M count=250 oflag=direct conv=fsync")
    assert said.code == 0, said
    assert time.monotonic() - began > 250 / 100 * 0.7
