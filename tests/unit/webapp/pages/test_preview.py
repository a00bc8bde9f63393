"""The way to a learner's own service: where it leads, and what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from webapp.models.people import learners_of
from webapp.preview.address import Place, Signer
from webapp.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.settings import Settings
    from webapp.wiring import Wiring

KEY = "the supervisor's"


@pytest.fixture
def told() -> dict[str, str]:
    """What the supervisor and the operator say of previews."""
    return {"SLIPWAY_PREVIEW_PORT": "20100"}


@pytest.fixture
def settings(tmp_path: Path, told: dict[str, str]) -> Settings:
    own = {"SLIPWAY_DATA": str(tmp_path), "SLIPWAY_RUN": str(tmp_path)}
    return read_settings({**own, "SLIPWAY_PREVIEW_KEY": KEY, **told})


@pytest.fixture
def lab(ben: Browser, workshop: Workshop, parts: Wiring) -> str:
    """Ben's, who has joined."""
    ben.join(workshop.code, "ben")
    with parts.database.read() as session:
        learner = learners_of(session, workshop.id)[0]
    return str(parts.labs.give(learner, workshop)["lab"])


def test_a_learner_is_led_to_their_own_lab_with_a_ticket(ben: Browser, lab: str) -> None:
    answer = ben.get("/preview/3000")
    parts = urlsplit(answer.location)
    seat = Signer(KEY).admit(parse_qs(parts.query)["ticket"][0])
    assert (answer.status_code, parts.netloc) == (303, "localhost:20100")
    assert seat
    assert seat.place == Place(lab, 3000)
    assert seat.home == "http://localhost"
    assert "frame-src 'self' http://localhost:*;" in answer.headers["Content-Security-Policy"]


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("told", [{"SLIPWAY_PREVIEW_PORT": "0"}])
def test_a_server_without_previews_says_so_in_their_frame(ben: Browser) -> None:
    answer = ben.get("/preview/3000")
    assert answer.status_code == 503
    assert "This server shows no web previews." in answer.text
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.usefixtures("lab")
def test_who_comes_by_https_needs_names_for_previews(ben: Browser) -> None:
    answer = ben.client.get("/preview/3000", base_url="https://localhost")
    assert answer.status_code == 503
    assert "no address for web previews" in answer.text


@pytest.mark.parametrize(
    "told", [{"SLIPWAY_PREVIEW_PORT": "1", "SLIPWAY_PREVIEW_URL": "p.example"}]
)
def test_with_a_name_set_a_preview_has_one_of_its_own(ben: Browser, lab: str) -> None:
    answer = ben.get("/preview/3000")
    assert urlsplit(answer.location).netloc == f"3000-{lab}.p.example"
    assert "frame-src 'self' http://*.p.example;" in answer.headers["Content-Security-Policy"]


def test_who_is_in_no_workshop_gets_no_ticket(ben: Browser) -> None:
    assert ben.get("/preview/3000").status_code == 403
    assert ben.get("/preview/0").status_code == ben.get("/preview/65536").status_code == 404
