"""A machine beside its container: the same figures, the same works, one more, and what ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.machine import qemu
from tests.conftest import Server, lend_image
from tests.integration.lab_harness import Lab
from tests.integration.test_comparison import Heard
from tests.integration.test_meter import available_bytes, comes_back, pss_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

BOOT_S = 120
SLICE_BYTES = 1100 << 20  # two machines of 352 MB fit into nine tenths of it, and no third


@pytest.fixture(scope="module")
def roomy(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """A daemon whose learners have a slice that is known."""
    instance = make_instance()
    lend_image(base_image, instance)
    server = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_SLICE_MEMORY_BYTES", str(SLICE_BYTES))
        server.start()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def lab(roomy: Server) -> Iterator[Lab]:
    """A lab with both halves."""
    made = Lab(roomy.client, "both-halves")
    boot(made)
    yield made
    made.remove()


def boot(lab: Lab) -> dict[str, Any]:
    """Boot a lab's machine, unless it lives, and wait for its prompt."""
    lab.client.machine_boot(lab.id)

    def state() -> str:
        found: str = lab.client.lab_get(lab.id)["machine"]["state"]
        return found

    wait_for(lambda: state() in {"ready", "failed"}, "the machine", deadline_s=BOOT_S)
    machine: dict[str, Any] = lab.client.lab_get(lab.id)["machine"]
    assert machine["state"] == "ready", machine
    return machine


def test_both_halves_have_the_same_figures(lab: Lab) -> None:
    meter = lab.client.meter_read(lab.id)
    container, machine = meter["container"], meter["machine"]
    assert container.keys() == machine.keys()
    assert meter["accelerator"] in {"kvm", "tcg"}
    assert set(machine["starts"]["cold"]["stages_ms"]) == {"hypervisor", "kernel", "init", "shell"}
    assert machine["kernel"]["own"] is True
    assert machine["kernel"]["boot_id"] != container["kernel"]["boot_id"]
    assert machine["processes"] == 1
    assert machine["memory_bytes"] > 20 * container["memory_bytes"]


def test_a_machines_figures_agree_with_another_measurement(lab: Lab) -> None:
    record = lab.client.lab_get(lab.id)["machine"]
    wait_for(lambda: settled(lab, record["pid"]), "a figure as old as the other", deadline_s=30)
    figures = lab.client.meter_read(lab.id)["machine"]
    split = figures["memory_split"]
    assert sum(split.values()) == pytest.approx(figures["memory_bytes"], rel=0.01)
    assert 0 < split["guest_bytes"] <= record["memory_bytes"]
    emulated = record["accelerator"] == "tcg"
    assert (split["translation_bytes"] > 0) is emulated


def settled(lab: Lab, pid: int) -> bool:
    """Whether what the meter says is what the kernel says now."""
    figures = lab.client.meter_read(lab.id)["machine"]
    held = {fd.readlink() for fd in Path(f"/proc/{pid}/fd").iterdir()}
    disk = sum(each.stat().st_blocks * 512 for each in held if each.name == "disk")
    return bool(
        figures["pss_bytes"] == pytest.approx(pss_of(pid), rel=0.1)
        and figures["disk_bytes"] == pytest.approx(disk, rel=0.1)
    )


def test_the_server_sees_one_process_where_the_machine_has_its_own(lab: Lab) -> None:
    seen = lab.client.lab_processes(lab.id)
    machine = [each for each in seen if each["side"] == "machine"]
    assert len(machine) == 1
    assert machine[0]["comm"].startswith("qemu")
    assert machine[0]["inner_pid"] is None
    containers = [each["comm"] for each in seen if each["side"] == "container"]
    assert "bash" in containers


def test_a_work_runs_in_both_and_the_walls_differ(roomy: Server, lab: Lab) -> None:
    heard = Heard(roomy.client)
    try:
        lab.client.work_start(lab.id, "calls")
        done = wait_for(lambda: heard.works(lab, state="done"), "its result", deadline_s=120)[0]
    finally:
        heard.close()
    assert done["machine"]["rate"] > 0
    assert done["machine"]["unit"] == done["container"]["unit"]
    assert done["accelerator"] == lab.client.meter_read(lab.id)["accelerator"]
    sides = [event["side"] for event in heard.works(lab, state="running")]
    assert list(dict.fromkeys(sides)) == ["machine", "container"]
    rows = {row["name"]: row for row in lab.client.meter_isolation(lab.id)["rows"]}
    for name in ("kernel", "boot-id", "log", "uptime", "devices"):
        assert rows[name]["machine"]["value"] != rows[name]["container"]["value"], name
    assert rows["panic"]["machine"]["value"] == "may stop its own kernel"


def test_one_more_until_the_learners_own_slice_says_no(lab: Lab) -> None:
    promised = qemu.OVERHEAD_BYTES + lab.record["limits"]["memory_bytes"]
    second = lab.client.plan_more(lab.id, "machine")
    assert second["refused"] is None
    assert second["mine"]["machines"] == 2
    assert second["lines"]["promised"]["used_bytes"]["machines"] == 2 * promised
    third = lab.client.plan_more(lab.id, "machine")
    assert third["mine"]["machines"] == 2
    assert third["refused"]["counted"] == "memory"
    assert third["refused"]["needs_bytes"] == promised > third["refused"]["free_bytes"]
    assert third["refused"]["sentence"].startswith("Not enough resources for another VM: one needs")
    after = lab.client.plan_more(lab.id, "container")
    assert after["mine"]["containers"] == 2
    assert after["after_refusal"] == 1
    assert after["refused"] == third["refused"]
    left = lab.client.plan_less(lab.id)
    assert (left["mine"]["machines"], left["mine"]["containers"]) == (1, 1)
    assert left["refused"] is None


def test_ending_a_machine_gives_back_what_the_headline_says(lab: Lab) -> None:
    def is_given_back() -> bool:
        boot(lab)
        wait_for(lambda: lab.client.meter_read(lab.id)["machine"], "its figures")
        time_passes = lab.client.meter_read(lab.id)["at"]
        wait_for(lambda: lab.client.meter_read(lab.id)["at"] > time_passes, "a new reading")
        headline = lab.client.meter_read(lab.id)["machine"]["memory_bytes"]
        before = available_bytes()
        lab.client.machine_end(lab.id, force=True)
        return comes_back(before, headline)

    # Whatever else this machine does moves the same figure, so one quiet moment is waited for.
    wait_for(is_given_back, "a quiet moment", deadline_s=240)
    wait_for(lambda: lab.client.meter_read(lab.id)["machine"] is None, "no figures of it")
