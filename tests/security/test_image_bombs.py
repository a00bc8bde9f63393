"""Bombs that a learner's own engine can carry: each meets the learner's limits, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import ENGINE
from tests.integration.lab_harness import Lab
from tests.security.arena import SMALL, Arena, Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server


PIDS = 40
LIMITS = {**SMALL, "memory_bytes": 128 << 20, "pids": PIDS, "cpu_cores": 1.0}
# Each goes on until the engine refuses, and tells how far it came and why it ended.
ADD = "head -c 16M /dev/urandom >f && tar c f | podman import -q - 2>why >&2"
LAYERS = f"while {ADD}; do n=$((n+1)); done"
# It takes no disk, and of processor time what the lab has, for as long as its learner waits.
SPARSE = "truncate -s 1T f; tar --sparse -c f | timeout -s KILL 3 podman import -q - && n=1"
CONTAINERS = "while podman run -d --network none busybox sleep 600 2>why >&2; do n=$((n+1)); done"


@pytest.fixture
def mallory(engine_runtime: Server) -> Iterator[Lab]:
    """A lab with an engine and little of everything."""
    lab = Lab(engine_runtime.client, "mallory", image=ENGINE, profile="engine", limits=LIMITS)
    yield lab
    lab.remove()


@pytest.mark.parametrize(
    ("bomb", "most", "stopped_by"),
    [
        pytest.param(LAYERS, 64 // 16, "no space left", id="endless layers"),
        pytest.param(SPARSE, 0, "", id="a sparse layer of 1 TB"),
        pytest.param(CONTAINERS, PIDS, "", id="a thousand containers", marks=pytest.mark.kernel),
    ],
)
def test_a_bomb_of_the_learners_engine_meets_the_labs_limits_only(
    engine_runtime: Server,
    witness: Witness,
    mallory: Lab,
    bomb: str,
    most: int,
    stopped_by: str,
) -> None:
    arena = Arena(engine_runtime, mallory, witness)
    with arena.attack(f"images: {bomb.split()[1]}", "the lab's disk and processes") as row:
        script = f"cd; n=0; {{ {bomb}; }} 2>/dev/null; echo $n; cat why 2>/dev/null"
        came = mallory.run("/bin/bash", "-lc", script, user="learner").text
        row.compare()
    made, _, why = came.partition("\n")
    assert int(made) <= most
    assert stopped_by in why.lower()
    usage = engine_runtime.client.lab_usage(mallory.id)
    assert usage["disk_bytes"] <= SMALL["disk_bytes"]
    assert usage["pids"] <= PIDS
