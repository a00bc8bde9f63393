"""The runtime may die at every stage of making and ending a lab: the next one leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from runtime.limits import ids
from tests.conftest import Server, lend_image
from tests.integration.lab_harness import Lab, place_of
from tests.leftovers import loop_devices_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance

MAKING = (
    "ids", "record", "namespaces", "link", "loop", "disk", "root", "description", "container",
    "unmounting", "limits", "shell", "terminal",
)  # fmt: skip
ENDING = ("hanging-up", "killing", "unlinking", "removing", "releasing")


@pytest.fixture(scope="module")
def order(make_instance: Callable[[], Instance]) -> Path:
    """The file that says at which moment the runtime dies."""
    return make_instance().data_path.with_name("order")


@pytest.fixture(scope="module")
def runtime(
    make_instance: Callable[[], Instance], base_image: Image, order: Path
) -> Iterator[Server]:
    """A daemon that dies when it is told to, and can be started again."""
    instance = make_instance()
    lend_image(base_image, instance)
    server = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    server.program = ("tests.integration.killed_at", str(order))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("stage", MAKING)
def test_a_lab_half_made_leaves_nothing_and_its_place_is_free(
    runtime: Server, order: Path, stage: str
) -> None:
    order.write_text(f"after {stage}")
    with pytest.raises(Problem):
        Lab(runtime.client, "half-made")
    start_again(runtime)
    assert remains(runtime) == []
    lab = Lab(runtime.client, "half-made")
    assert lab.run("echo", "whole").text == "whole\n"
    lab.remove()


@pytest.mark.parametrize("moment", ["before hanging-up", *(f"after {stage}" for stage in ENDING)])
def test_a_lab_half_ended_is_ended_whole_by_the_next_runtime(
    runtime: Server, order: Path, moment: str
) -> None:
    lab = Lab(runtime.client, "half-ended")
    order.write_text(moment)
    with pytest.raises(Problem):
        lab.remove()
    start_again(runtime)
    assert remains(runtime) == []


def start_again(runtime: Server) -> None:
    """Wait for the death that was ordered, then start the next one."""
    wait_for(lambda: not runtime.is_running(), "the end of the runtime")
    runtime.start()


def remains(runtime: Server) -> list[str]:
    """Every trace of a lab that is on this machine, seen from outside the runtime."""
    instance = runtime.instance
    wait_for(lambda: not loop_devices_of(instance), "no loop device")
    owners = {name for name in ids.claimed().values() if name.startswith(f"{instance.id}/")}
    folders = [path.name for path in instance.labs_path.iterdir()]
    states = [path.name for path in (instance.run_path / "crun").iterdir()]
    return [
        *folders,
        *(name for name in states if not name.startswith(".")),
        *place_of(instance).labs(),
        *(owners - {f"{instance.id}/instance"}),
        *(lab["lab"] for lab in runtime.client.lab_list()),
    ]
