from __future__ import annotations

from benchmarks.figures import Series, ratio


def test_a_peer_that_was_not_measured_gives_no_ratio() -> None:
    ours = Series("ours", [1.0])
    assert ratio(ours, None) is None
    assert ratio(ours, Series("theirs")) is None


def test_a_ratio_compares_medians_and_not_one_slow_run() -> None:
    ours = Series("ours", [10.0, 11.0, 900.0])
    theirs = Series("theirs", [50.0, 55.0, 60.0])
    assert ratio(ours, theirs) == 0.2


def test_each_figure_of_a_series_has_its_unit_in_its_name() -> None:
    shown = Series("ours", [float(number) for number in range(1, 21)]).as_dict()
    assert (shown["count"], shown["median_ms"], shown["p90_ms"]) == (20, 10.5, 18.0)
    assert all(key.endswith("_ms") for key in shown if key not in {"name", "count"})
