"""Fixtures that several files of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.network_world import World
from tests.integration.pump_harness import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An outside, a host and room for labs, all in namespaces of their own."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A pump, and room for shells and browsers at it."""
    made = Stage(tmp_path)
    yield made
    made.close()
