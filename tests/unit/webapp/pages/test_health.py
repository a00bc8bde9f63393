"""What a watcher is told, and which watcher."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from webapp import create_app
from webapp.pages import health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.settings import Settings
    from webapp.wiring import Wiring

TOKEN = "not-a-real-one"  # noqa: S105 -- of nobody


@pytest.fixture
def has_pump(parts: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts.pumps, "figures", dict)


@pytest.mark.usefixtures("has_pump")
def test_a_server_is_ready_when_every_part_answers(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    parts = {"database": "ok", "disk": "ok", "runtime": "ok", "pump": "ok"}
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "parts": parts}


def test_whichever_part_is_away_says_why(app: Flask, engine: MemoryEngine) -> None:
    engine.is_away = True
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json
    assert answer.json["parts"]["runtime"] == "The runtime is away."
    assert "terminals is away" in answer.json["parts"]["pump"]
    assert answer.json["parts"]["database"] == "ok"


@pytest.mark.usefixtures("has_pump")
def test_a_disk_that_is_nearly_full_is_not_ready(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ROOM_BYTES", 1 << 60)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "MB left" in answer.text


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
    ],
)
def test_without_a_token_this_machine_alone_reads_the_figures(
    app: Flask, address: str, headers: Mapping[str, str], status: int
) -> None:
    client = app.test_client()
    asked = client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)
    assert asked.status_code == status
    assert (b"slipway_up" in asked.data) is (status == 200)


@pytest.mark.parametrize(
    ("shown", "status"), [(f"Bearer {TOKEN}", 200), ("Bearer other", 403), ("", 403), ("ü", 403)]
)
def test_with_a_token_whoever_shows_it_reads_the_figures(
    settings: Settings, engine: MemoryEngine, shown: str, status: int
) -> None:
    app = create_app(replace(settings, metrics_token=TOKEN), engine=engine)
    client = app.test_client()
    away = {"REMOTE_ADDR": "192.0.2.7"}
    asked = client.get("/metrics", environ_base=away, headers={"Authorization": shown})
    assert asked.status_code == status
    app.extensions["slipway"].database.close()


def test_behind_a_proxy_nobody_reads_the_figures_without_a_token(
    settings: Settings, engine: MemoryEngine
) -> None:
    app = create_app(replace(settings, trusted_proxies=1), engine=engine)
    assert app.test_client().get("/metrics").status_code == 403
    app.extensions["slipway"].database.close()
