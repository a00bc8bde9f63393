"""Cookies that a web preview's script has set beside ours, since cookies know no port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.models.people import learners_of

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

COOKIE = "slipway_learner"


@pytest.mark.parametrize("path", ["/lab", "/lab/", "/lab/00-your-terminal"])
def test_of_two_cookies_of_one_name_neither_is_taken_and_both_go(
    ben: Browser, chi: Browser, workshop: Workshop, parts: Wiring, path: str
) -> None:
    ben.join(workshop.code, "ben")
    chi.join(workshop.code, "mallory")
    planted = chi.client.get_cookie(COOKIE)
    assert planted
    ben.client.set_cookie(COOKIE, planted.value, path=path)
    assert ben.get("/lab/00-your-terminal/").status_code in {302, 404}
    assert ben.get("/lab/00-your-terminal").location == "/"
    assert ben.client.get_cookie(COOKIE, path=path) is None
    assert ben.client.get_cookie(COOKIE) is None
    with parts.database.read() as session:  # what was reached is there, for who has the PIN
        assert len(learners_of(session, workshop.id)) == 2


def test_who_comes_back_gets_a_cookie_that_stays(
    ben: Browser, chi: Browser, workshop: Workshop
) -> None:
    chi.join(workshop.code, "mallory")
    planted = chi.client.get_cookie(COOKIE)
    assert planted
    for value in (planted.value, "old"):
        ben.client.set_cookie(COOKIE, value, path="/" if value == "old" else "")
    ben.join(workshop.code, "ben")
    assert ben.get("/lab").location.startswith("/lab/00-your-terminal/")


def test_not_me_takes_the_seats_at_previews_along(ben: Browser, workshop: Workshop) -> None:
    ben.join(workshop.code, "ben")
    seat = "slipway_preview_3000-0123abcd"
    ben.client.set_cookie(seat, "signed")
    ben.post("/leave")
    assert ben.client.get_cookie(seat) is None
