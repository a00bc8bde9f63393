"""Measuring."""

from __future__ import annotations

import pytest

from webapp.rehearsal.play import p99


@pytest.mark.parametrize(
    ("values", "found"),
    [([], 0.0), ([5.0], 5.0), (list(range(100)), 99), ([*[1.0] * 199, 9.0], 1.0), ([3, 1, 2], 3)],
)
def test_99_of_100_stay_below(values: list[float], found: float) -> None:
    assert p99(values) == found
