"""How an instructor comes in, and how nobody else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.conftest import PASSWORD
from webapp.workshops.teaching import add_person, first_link, reset_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.webapp.conftest import Browser
    from webapp.wiring import Wiring


def test_a_one_time_link_sets_a_password_once(
    open_browser: Callable[[], Browser], parts: Wiring
) -> None:
    link = f"/welcome/{add_person(parts.database, 'ada')}"
    first, second = open_browser(), open_browser()
    assert first.get(link).status_code == 200
    assert first.post(link, {"password": PASSWORD, "again": PASSWORD}).location == "/workshops"
    assert first.get("/workshops").status_code == 200
    assert second.get(link).status_code == 410
    assert second.post(link, {"password": "x" * 12, "again": "x" * 12}).status_code == 410


def test_a_short_or_mistyped_password_leaves_the_link_as_it_was(
    open_browser: Callable[[], Browser], parts: Wiring
) -> None:
    link = f"/welcome/{add_person(parts.database, 'ada')}"
    browser = open_browser()
    assert (
        "The password has 5 characters."
        in browser.post(link, {"password": "short", "again": "short"}).text
    )
    assert (
        "The two passwords differ." in browser.post(link, {"password": PASSWORD, "again": "x"}).text
    )
    assert browser.post(link, {"password": PASSWORD, "again": PASSWORD}).status_code == 302


@pytest.mark.usefixtures("ada")
def test_name_and_password_let_an_instructor_in_and_out(
    open_browser: Callable[[], Browser],
) -> None:
    browser = open_browser()
    assert browser.get("/workshops").location == "/sign-in"
    assert browser.post("/sign-in", {"name": "Ada", "password": PASSWORD}).location == "/workshops"
    cookie = browser.client.get_cookie("slipway_person")
    assert cookie
    browser.post("/sign-out")
    stolen = open_browser()
    stolen.client.set_cookie("slipway_person", cookie.value)
    assert stolen.get("/workshops").location == "/sign-in"


@pytest.mark.usefixtures("ada")
def test_an_unknown_name_reads_as_a_wrong_password_does(
    open_browser: Callable[[], Browser],
) -> None:
    browser = open_browser()
    wrong = browser.post("/sign-in", {"name": "ada", "password": "x" * 10})
    unknown = browser.post("/sign-in", {"name": "nobody", "password": "x" * 10})
    sentence = "Name and password don&#39;t belong together."
    assert (wrong.status_code, unknown.status_code) == (403, 403)
    assert sentence in wrong.text
    assert sentence in unknown.text


@pytest.mark.usefixtures("ada")
def test_wrong_passwords_slow_that_browser_down_and_not_ada_s(
    open_browser: Callable[[], Browser],
) -> None:
    guessing = open_browser()
    for _ in range(5):
        guessing.post("/sign-in", {"name": "ada", "password": "x" * 10})
    assert guessing.post("/sign-in", {"name": "ada", "password": PASSWORD}).status_code == 429
    elsewhere = open_browser().post("/sign-in", {"name": "ada", "password": PASSWORD})
    assert elsewhere.location == "/workshops"


def test_a_reset_ends_the_password_and_every_sign_in(ada: Browser, parts: Wiring) -> None:
    assert ada.get("/workshops").status_code == 200
    reset_person(parts.database, "ada")
    assert ada.get("/workshops").location == "/sign-in"
    assert ada.post("/sign-in", {"name": "ada", "password": PASSWORD}).status_code == 403


def test_the_first_instructor_gets_links_until_there_is_one(
    open_browser: Callable[[], Browser], parts: Wiring
) -> None:
    first, second = first_link(parts.database), first_link(parts.database)
    assert open_browser().get(f"/welcome/{first}").status_code == 410
    form = {"password": PASSWORD, "again": PASSWORD}
    assert open_browser().post(f"/welcome/{second}", form).status_code == 302
    assert first_link(parts.database) is None
