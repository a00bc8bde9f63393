"""A form proves nothing where a script of another port may have set its cookie; its origin does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop


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
