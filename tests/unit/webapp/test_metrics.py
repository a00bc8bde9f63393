"""What is counted, and what is looked at when somebody asks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from webapp.problems import Problem
from webapp.workshops.checking import Verdict

if TYPE_CHECKING:
    import pytest

    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.wiring import Wiring

TOP = Path(__file__).resolve().parents[3]
DASHBOARD = json.loads((TOP / "docs/grafana.json").read_text())
REFERENCE = (TOP / "docs/reference.md").read_text()
PUMP = {"terminals": 3, "viewers": 2, "typed_bytes": 10, "printed_bytes": 4000}


def values(parts: Wiring) -> dict[str, float]:
    """Every sample that is read now, as `name{label}`."""
    found = {}
    for family in text_string_to_metric_families(parts.metrics.read().decode()):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_a_start_is_counted_by_its_kind_and_its_time(parts: Wiring) -> None:
    parts.metrics.heard({"type": "lab.ready", "warm": True, "ms": 4})
    parts.metrics.heard({"type": "lab.ready", "warm": False, "ms": 300})
    found = values(parts)
    assert found["slipway_lab_start_seconds_bucket{warm,0.005}"] == 1
    assert found["slipway_lab_start_seconds_bucket{cold,0.25}"] == 0
    assert found["slipway_lab_start_seconds_bucket{cold,0.5}"] == 1
    assert found["slipway_lab_start_seconds_sum{cold}"] == 0.3


def test_limits_ends_checks_and_refused_joins_are_counted_apart(parts: Wiring) -> None:
    parts.metrics.heard({"type": "lab.limit", "limit": "memory"})
    parts.metrics.heard({"type": "lab.ended", "reason": "died"})
    parts.metrics.heard({"type": "pool.changed"})
    parts.metrics.judged(Verdict(passed=True, broke=False, title=""))
    parts.metrics.judged(Verdict(passed=False, broke=False, title=""))
    parts.metrics.judged(Verdict(passed=False, broke=True, title=""))
    parts.metrics.join_refused(Problem("code-unknown", "No."))
    found = values(parts)
    assert found["slipway_limits_hit_total{memory}"] == 1
    assert found["slipway_labs_ended_total{died}"] == 1
    for result in ("passed", "not_yet", "broke"):
        assert found[f"slipway_checks_total{{{result}}}"] == 1
    assert found["slipway_joins_refused_total{code-unknown}"] == 1


def test_what_is_true_now_is_asked_of_whoever_knows(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.pumps, "figures", lambda: PUMP)
    found = values(parts)
    assert found["slipway_labs_standing_ready"] == 1
    assert found["slipway_process_open_fds{runtime}"] == 7
    assert found["slipway_process_cpu_seconds_total{runtime}"] == 1.5
    assert found["slipway_disk_free_bytes"] == 1 << 30
    assert found["slipway_terminal_bytes_total{printed}"] == 4000
    assert found["slipway_up{pump}"] == found["slipway_up{runtime}"] == 1


def test_a_part_that_is_away_is_said_to_be_and_keeps_nothing_back(
    parts: Wiring, engine: MemoryEngine
) -> None:
    engine.is_away = True
    found = values(parts)
    assert found["slipway_up{runtime}"] == found["slipway_up{pump}"] == 0
    assert "slipway_labs" not in found
    assert found["slipway_workshops_open"] == 0


def test_each_figure_has_its_row_and_each_row_its_figure(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.pumps, "figures", lambda: PUMP)
    table = REFERENCE[REFERENCE.index("## Metrics") :].split("\n## ")[0]
    families = text_string_to_metric_families(parts.metrics.read().decode())
    assert {family.name for family in families} == set(
        re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    )


def test_the_dashboard_asks_only_for_figures_that_there_are(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.pumps, "figures", lambda: PUMP)
    families = {
        family.name: family.type
        for family in text_string_to_metric_families(parts.metrics.read().decode())
    }
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    names = {name for expr in asked for name in re.findall(r"slipway_\w+", expr)}
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    there = {name + end for name, kind in families.items() for end in endings[kind]}
    assert len(asked) > 10
    assert names - there == set()
