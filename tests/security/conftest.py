"""Attacks on labs have an arena; attacks on the web borrow its own application and browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lab_harness import Lab
from tests.security.arena import ROW, SMALL, Arena, Witness
from tests.unit.webapp.conftest import (  # noqa: F401 -- fixtures
    ada,
    app,
    ben,
    chi,
    compiled,
    engine,
    new_database,
    open_browser,
    parts,
    settings,
    workshop,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

# As a workshop of forty may have it: small beside the machine, large enough to be met by an attack.
LIMITS = {"memory_bytes": 128 << 20, "pids": 100, "cpu_cores": 1.0}


@pytest.fixture(scope="module")
def witness(runtime: Server) -> Iterator[Witness]:
    """A neighbour, for the attacks of one file."""
    made = Witness(runtime)
    yield made
    made.close()


@pytest.fixture
def limits() -> dict[str, Any]:
    """Of the lab that attacks; a test may have others by `parametrize`."""
    return LIMITS


@pytest.fixture
def arena(
    runtime: Server,
    witness: Witness,
    limits: dict[str, Any],
    request: pytest.FixtureRequest,
    record_property: Any,  # noqa: ANN401 - pytest's own
) -> Iterator[Arena]:
    """A new lab that attacks, beside the witness; its rows go to the table."""
    internet = request.node.get_closest_marker("internet") is not None
    listed = request.node.get_closest_marker("listed")
    mallory = Lab(
        runtime.client,
        "mallory",
        limits={**SMALL, **limits},
        internet=internet,
        allowed=listed.args if listed else None,
    )
    made = Arena(runtime, mallory, witness)
    yield made
    for row in made.rows:
        record_property(ROW, row)
    mallory.remove()
