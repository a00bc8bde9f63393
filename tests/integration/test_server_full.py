"""The server is full before it is: labs together never get the last of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import Problem
from runtime.limits.reserve import Reserve
from tests.conftest import Server, lend_image
from tests.integration.lab_harness import Lab, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

pytestmark = pytest.mark.kernel

PERCENT = 15
MORE_THAN_THERE_IS = 1 << 40


@pytest.fixture(scope="module")
def runtime(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """A daemon with a reserve of its own, whose operator lets one lab have more than there is."""
    instance = make_instance()
    lend_image(base_image, instance)
    server = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_RESERVE_PERCENT", str(PERCENT))
        for name in ("MEMORY", "DISK"):
            patch.setenv(f"SLIPWAY_LAB_MAX_{name}_BYTES", str(MORE_THAN_THERE_IS))
        server.start()
        try:
            yield server
        finally:
            server.close()


def test_all_labs_together_stay_below_the_reserve(runtime: Server) -> None:
    place = place_of(runtime.instance)
    may = Reserve(place, runtime.instance.data_path, PERCENT).may_use()
    memory, pids = place.held()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory is not None
    assert abs(memory - may.memory_bytes) < 65536
    assert memory <= total * (100 - PERCENT) / 100
    assert pids == may.pids


@pytest.mark.parametrize("what", ["memory", "disk"])
def test_the_server_says_that_it_is_full_before_it_is(runtime: Server, what: str) -> None:
    with pytest.raises(Problem) as refused:
        Lab(runtime.client, "greedy", limits={f"{what}_bytes": MORE_THAN_THERE_IS})
    assert refused.value.code == "server-full"
    facts: dict[str, Any] = refused.value.facts
    assert facts["what"] == what
    assert facts["needs"] > facts["left"]
    modest = Lab(runtime.client, "modest")
    assert modest.run("echo", "in").text == "in\n"
    modest.remove()


def test_what_all_labs_may_have_is_put_back_when_somebody_raises_it(runtime: Server) -> None:
    place = place_of(runtime.instance)
    before = place.held()
    place.hold(1 << 50, 1 << 20)
    runtime.stop()
    runtime.start()
    assert place.held() == before
