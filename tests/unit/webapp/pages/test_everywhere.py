"""What is true of every page: headers, refusals, health."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser, MemoryEngine


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nothing-here", "/healthz", "/static/logo.svg"])
def test_every_answer_tells_the_browser_what_not_to_do(ben: Browser, path: str) -> None:
    with ben.get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self' 'nonce-" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_style_sheet_is_kept_and_carries_no_policy_of_documents(ben: Browser) -> None:
    with ben.get("/static/css/base.css?v=1", headers={"Accept-Encoding": "gzip"}) as answer:
        headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Encoding"] == "gzip"


def test_the_import_map_carries_this_answer_s_nonce(ben: Browser) -> None:
    first, second = ben.get("/"), ben.get("/")
    nonces = [
        re.findall(r"'nonce-([^']+)'", each.headers["Content-Security-Policy"])
        for each in (first, second)
    ]
    assert f'nonce="{nonces[0][0]}"' in first.text
    assert nonces[0] != nonces[1]


def test_no_page_is_kept_for_the_next_pupil_at_this_computer(ben: Browser) -> None:
    assert ben.get("/").headers["Cache-Control"] == "no-store"


def test_a_missing_page_and_a_wrong_method_are_pages_too(ben: Browser) -> None:
    missing = ben.get("/nothing-here")
    assert missing.status_code == 404
    assert "There is no such page." in missing.text
    assert ben.get("/leave").status_code == 405
    script = ben.get("/nothing-here", headers={"Accept": "application/json"})
    assert script.get_json()["problem"]["code"] == "not-found"


def test_a_huge_form_is_refused_by_its_size(ben: Browser) -> None:
    answer = ben.client.post("/", data={"name": "x" * 1_000_000})
    assert answer.status_code in {400, 413}


def test_health_is_good_when_labs_can_be_had_and_says_why_when_not(
    ben: Browser, engine: MemoryEngine
) -> None:
    assert ben.get("/healthz").status_code == 200
    engine.is_away = True
    answer = ben.get("/healthz")
    assert (answer.status_code, answer.json) == (
        503,
        {"ok": False, "reason": "The runtime is away."},
    )
