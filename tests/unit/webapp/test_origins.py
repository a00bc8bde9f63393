"""A form proves nothing where a script of another port may have set its cookie; its origin does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from webapp import create_app

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.workshops import Workshop
    from webapp.settings import Settings

DOOR = "/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    "origin", ["http://localhost:20101", "https://evil.example", "null", "http://localhost.evil"]
)
def test_a_form_that_another_sites_page_sends_is_refused(
    ben: Browser, workshop: Workshop, origin: str
) -> None:
    form = {"code": workshop.code, "name": "ben"}
    assert ben.post("/", form, headers={"Origin": origin}).status_code == 403
    assert ben.post("/", form, headers={"Origin": "http://localhost"}).status_code == 302


def test_a_page_that_another_site_leads_to_is_shown(ben: Browser) -> None:
    assert ben.get("/", headers={"Origin": "https://evil.example"}).status_code == 200


def test_a_page_whose_socket_is_refused_is_told_why_when_it_asks(
    ben: Browser, workshop: Workshop
) -> None:
    stranger = ben.client.post(DOOR, headers={"Origin": "http://localhost"})
    assert stranger.status_code == 403
    assert stranger.json
    assert stranger.json["problem"]["code"] == "not-joined"
    ben.join(workshop.code, "ben")
    renamed = ben.client.post(DOOR, headers={"Origin": "https://lab.school.example"})
    assert renamed.status_code == 403
    assert renamed.json
    said = "This page is lab.school.example, but the server was asked as localhost."
    assert renamed.json["problem"]["sentence"] == said
    assert ben.client.post(DOOR, headers={"Origin": "http://localhost"}).status_code == 400


def test_a_proxy_that_keeps_the_name_to_itself_is_made_up_for_by_the_public_address(
    settings: Settings, engine: MemoryEngine
) -> None:
    app = create_app(replace(settings, public_url="https://lab.school.example"), engine=engine)
    origin = {"Origin": "https://lab.school.example"}
    told = app.test_client().post(DOOR, headers=origin)
    app.extensions["slipway"].database.close()
    assert told.json
    assert told.json["problem"]["code"] == "not-joined"  # and not `other-name`
