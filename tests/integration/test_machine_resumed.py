"""Machines that go on from a saved one: soon at their prompt, and different where they must be."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from runtime.limits import ids
from tests.integration.lab_harness import Lab
from tests.integration.test_machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

LOOK = "hostname; cat /proc/sys/kernel/random/boot_id; od -An -tx8 -N32 /dev/urandom"


class Pair(NamedTuple):
    """Two machines that went on from the one saved machine of their server.

    Attributes:
        one: booted cold before, which cost `cold_bytes`.
        two: the other.
        cold_bytes: what the server spent on a cold one.
    """

    one: Machine
    two: Machine
    cold_bytes: int


@pytest.fixture(scope="module")
def pair(runtime: Server) -> Iterator[Pair]:
    one, two = (Machine(Lab(runtime.client, f"resumed-{name}")) for name in ("one", "two"))
    one.boot()
    cold_bytes = figures(one)["memory_bytes"]
    one.client.machine_end(one.lab.id, force=True)
    for machine in (one, two):
        machine.boot("resumed")
    yield Pair(one, two, cold_bytes)
    for machine in (one, two):
        machine.lab.remove()


def figures(machine: Machine) -> dict[str, Any]:
    """A machine's, as the page gets them."""
    found: dict[str, Any] = machine.client.meter_read(machine.lab.id)["machine"]
    return found


def test_a_resumed_machine_is_sooner_at_its_prompt_and_each_start_keeps_its_name(
    pair: Pair,
) -> None:
    shown, starts = pair.one.now(), figures(pair.one)["starts"]
    assert (shown["how"], list(shown["stages_ms"])) == ("resumed", ["hypervisor", "init", "shell"])
    assert starts["prepared"]["ms"] == pytest.approx(sum(shown["stages_ms"].values()))
    assert "kernel" in starts["cold"]["stages_ms"]
    assert starts["prepared"]["ms"] < starts["cold"]["ms"]
    assert figures(pair.two)["starts"]["cold"] is None


def test_two_that_were_one_differ_in_name_boot_and_chance(pair: Pair) -> None:
    machines = (pair.one, pair.two)
    looks = [machine.sh(LOOK)[1].split("\n") for machine in machines]
    for machine, (hostname, boot_id, *_) in zip(machines, looks, strict=True):
        shown = machine.now()
        assert (hostname, boot_id) == (shown["hostname"], shown["boot_id"])
    assert all(one != other for one, other in zip(*looks, strict=True) if one)


def test_a_resumed_machine_has_the_right_time_and_its_windows_size(pair: Pair) -> None:
    machine = pair.two
    assert abs(float(machine.sh("date +%s.%N")[1]) - time.time()) < 1
    assert machine.sh("stty size </dev/hvc0")[1] == "30 100\n"
    prompt = f"learner@{machine.now()['hostname']}".encode()
    assert prompt in machine.type("echo he''re", prompt)


def test_what_one_writes_to_memory_and_disk_the_other_never_sees(pair: Pair) -> None:
    writes, looks = pair.one, pair.two
    writes.sh(
        "echo mine >/root/mine; echo mine >/dev/shm/mine; sync; echo 3 >/proc/sys/vm/drop_caches"
    )
    assert writes.sh("cat /root/mine /dev/shm/mine")[1] == "mine\nmine\n"
    assert looks.sh("ls /root/mine /dev/shm/mine 2>/dev/null")[1] == ""
    looks.client.machine_end(looks.lab.id, force=True)
    looks.boot("resumed")
    assert looks.sh("ls /root/mine /dev/shm/mine 2>/dev/null")[1] == ""


def test_no_qemu_can_write_the_memory_that_all_go_on_from(pair: Pair) -> None:
    """The file is open for writing in each qemu; it is the seal that refuses."""
    pid = pair.one.now()["pid"]
    found = [fd for fd in Path(f"/proc/{pid}/fd").iterdir() if "slipway-machine" in _target(fd)]
    assert found
    fd = os.open(found[0], os.O_RDWR)
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EPERM)):
            os.pwrite(fd, b"x", 0)
        with pytest.raises(OSError, match=os.strerror(errno.EPERM)):
            os.ftruncate(fd, 0)
    finally:
        os.close(fd)


def test_a_resumed_machine_costs_less_memory_than_a_cold_one(pair: Pair) -> None:
    assert figures(pair.one)["memory_bytes"] < pair.cold_bytes


def test_a_saved_machine_leaves_nothing_of_its_own(runtime: Server, pair: Pair) -> None:
    known = {pair.one.lab.id, pair.two.lab.id}
    assert {path.name for path in runtime.instance.labs_path.iterdir()} == known
    claims = (owner.partition("/") for owner in ids.claimed().values())
    assert {what for server, _, what in claims if server == runtime.instance.id} - known == {
        "instance"
    }


def _target(link: Path) -> str:
    with suppress(OSError):
        return str(link.readlink())
    return ""
