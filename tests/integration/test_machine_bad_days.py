"""No machine comes up, or it is filled: a sentence says why, and the container goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.image.store import Store
from runtime.machine import qemu
from tests.conftest import Server, lend_image
from tests.integration.lab_harness import Lab
from tests.integration.test_machine import BOOT_S, Machine
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

MIB = 1 << 20


@pytest.fixture(scope="module")
def runtime(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """A daemon whose image can be changed: the files are links, the folder is its own."""
    instance = make_instance()
    lend_image(base_image, instance)
    place = Store(instance.images_path).place(base_image.name)
    lent = place.resolve()
    place.unlink()
    place.mkdir()
    subprocess.run(["cp", "--archive", "--link", lent / "rootfs", place], check=True)
    shutil.copy(lent / "image.json", place)
    shutil.copytree(lent / "machine", place / "machine", copy_function=os.link)
    server = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def boot_files(runtime: Server) -> Iterator[Path]:
    """What the image's machines boot from; put back afterwards."""
    folder = runtime.instance.images_path / "slipway+base" / "machine"
    kept = folder.with_name("machine.kept")
    shutil.copytree(folder, kept, copy_function=os.link)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.fixture
def make_lab(runtime: Server) -> Iterator[Callable[..., Lab]]:
    made: list[Lab] = []

    def make(**wishes: object) -> Lab:
        made.append(Lab(runtime.client, f"bad-day-{time.monotonic_ns()}", **wishes))
        return made[-1]

    yield make
    for lab in made:
        lab.remove()


def failed(lab: Lab) -> dict[str, Any]:
    """Boot a machine that can't, and give what is said; its container must be well."""
    machine = Machine(lab)
    lab.client.machine_boot(lab.id)
    shown = machine.wait("failed")
    assert lab.sh("echo alive").text == "alive\n"
    assert shown["pid"] == 0
    assert "container" in shown["sentence"]
    return shown


@pytest.fixture
def without_qemu(runtime: Server) -> Iterator[None]:
    """A server on which qemu isn't installed: for the daemon alone, where it sees files."""
    theirs = ("nsenter", "--target", str(runtime.pid), "--mount", "--")
    assert Path(f"/proc/{runtime.pid}/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink()
    program = shutil.which(qemu.PROGRAM)
    assert program
    subprocess.run([*theirs, "mount", "--bind", "/dev/null", program], check=True)
    yield
    subprocess.run([*theirs, "umount", program], check=True)


@pytest.mark.usefixtures("without_qemu")
def test_a_server_without_qemu_says_what_is_to_be_installed(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab()
    shown = failed(lab)
    assert shown["reason"] == "missing"
    assert "qemu-system-x86" in shown["sentence"]
    plan = lab.client.plan_more(lab.id, "machine")
    assert plan["lines"]["promised"]["machine"]["more"] is None
    assert plan["refused"]["kind"] == "machine"
    assert lab.client.plan_more(lab.id, "container")["after_refusal"] == 1


def test_an_image_without_a_kernel_says_how_it_gets_one(
    boot_files: Path, make_lab: Callable[..., Lab]
) -> None:
    (boot_files / "vmlinux").unlink()
    shown = failed(make_lab())
    assert shown["reason"] == "no-kernel"
    assert "image build --again slipway/base" in shown["sentence"]


def test_too_little_memory_for_a_kernel_is_said_before_anything_starts(
    make_lab: Callable[..., Lab],
) -> None:
    shown = failed(make_lab(limits={"memory_bytes": 64 * MIB}))
    assert shown["reason"] == "memory"
    assert "64 MB" in shown["sentence"]


def test_a_guest_that_never_reaches_its_prompt_is_tried_again_and_on_another_board(
    boot_files: Path, make_lab: Callable[..., Lab]
) -> None:
    (boot_files / "init.cpio").unlink()
    (boot_files / "init.cpio").write_bytes(b"\0" * 512)
    lab = make_lab()
    shown = failed(lab)
    assert (shown["reason"], shown["board"]) == ("never-ready", "q35")
    assert "3 tries" in shown["sentence"]


def test_the_least_memory_that_is_let_in_really_boots(make_lab: Callable[..., Lab]) -> None:
    machine = Machine(make_lab(limits={"memory_bytes": 128 * MIB}))
    assert machine.boot()["state"] == "ready"


def test_a_guest_that_fills_memory_and_disk_goes_on(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(limits={"disk_bytes": 64 * MIB})
    machine = Machine(lab)
    machine.boot()
    code, said = machine.sh("head -c 100M /dev/urandom >/var/full")
    assert code != 0
    assert "No space left" in said
    hungry = "python3 -c 'b = [bytearray(b\"x\" * (1 << 20)) for _ in range(400)]'"
    assert machine.sh(hungry)[0] == 137
    assert machine.now()["state"] == "ready"
    assert machine.sh("echo alive") == (0, "alive\n")
    assert machine.now()["disk_limit_bytes"] == 64 * MIB


def test_a_class_that_boots_at_once_waits_in_line_and_all_get_theirs(
    make_lab: Callable[..., Lab],
) -> None:
    labs = [make_lab() for _ in range(4)]
    asked = [lab.client.machine_boot(lab.id) for lab in labs]
    places = [machine["place"] for machine in asked]
    assert places == sorted(places)
    assert places[-1] > 0
    for lab in labs:
        wait_for(
            lambda lab=lab: Machine(lab).now()["state"] == "ready",  # type: ignore[misc]
            "a machine for everybody",
            deadline_s=4 * BOOT_S,
        )
