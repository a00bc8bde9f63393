"""A lab that stands ready is handed over as it is, and another takes its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lab_harness import IMAGE, Lab, read_until
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

SHAPE = {"image": IMAGE, "profile": "plain", "internet": False}


@pytest.fixture
def pool(runtime: Server) -> Iterator[Server]:
    runtime.client.pool_want([{**SHAPE, "count": 1}])
    wait_for(lambda: ready(runtime) == 1, "a lab that stands ready")
    yield runtime
    runtime.client.pool_want([])
    wait_for(lambda: not runtime.client.status()["pool"], "an empty pool")


def ready(server: Server) -> int:
    pool: list[dict[str, Any]] = server.client.status()["pool"]
    return sum(int(each["ready"]) for each in pool)


def test_a_ready_lab_is_handed_over_at_its_prompt(pool: Server) -> None:
    lab = Lab(pool.client, "quick", rows=30, cols=100)
    assert lab.record["warm"] is True
    stream = pool.client.terminal_stream(f"{lab.id}.1")
    try:
        read_until(stream, b"$ ")
        assert os.get_terminal_size(stream) == (100, 30)
    finally:
        os.close(stream)
        lab.remove()


def test_the_place_of_a_lab_that_was_taken_is_filled(pool: Server) -> None:
    first = Lab(pool.client, "first")
    wait_for(lambda: ready(pool) >= 1, "another lab that stands ready")
    second = Lab(pool.client, "second")
    assert second.record["warm"] is True
    assert second.id != first.id
    first.remove()
    second.remove()


def test_a_lab_of_another_shape_is_made_anew(pool: Server) -> None:
    lab = Lab(pool.client, "other", limits={"memory_bytes": 100 << 20})
    assert lab.record["warm"] is False
    lab.remove()


def test_labs_that_stand_ready_are_nobodys(pool: Server) -> None:
    assert pool.client.lab_list() == []
