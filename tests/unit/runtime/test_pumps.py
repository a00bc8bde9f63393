"""Which pump carries a terminal."""

from __future__ import annotations

import secrets
from collections import Counter

from runtime.pumps import pump_names, pump_of


def test_the_first_pump_has_no_number() -> None:
    assert pump_names(1) == ["pump"]
    assert pump_names(3) == ["pump", "pump-2", "pump-3"]


def test_all_terminals_of_a_lab_are_with_one_pump() -> None:
    assert len({pump_of(f"1a2b3c4d.{name}", 5) for name in "12345678m"}) == 1


def test_labs_are_spread_evenly_over_pumps() -> None:
    carried = Counter(pump_of(f"{secrets.token_hex(4)}.1", 4) for _ in range(8000))
    assert set(carried) == set(pump_names(4))
    assert min(carried.values()) > 1600  # of 2000: ten times the deviation that chance has
