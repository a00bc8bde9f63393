"""Owners invite and remove, instructors give workshops away, sign-ins end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.conftest import PASSWORD
from webapp.models.people import Role, person_by_public_id, sign_ins_of
from webapp.models.workshops import Workshop
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.teaching import person_called, set_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.webapp.conftest import Browser
    from webapp.wiring import Wiring

FORM = {"password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def olga(sign_in: Callable[[str, str], Browser]) -> Browser:
    """Olga is the owner, and is signed in."""
    return sign_in("olga", Role.OWNER)


def public_id(parts: Wiring, name: str) -> str:
    with parts.database.read() as session:
        person = person_called(session, name)
        assert person
        return person.public_id


def test_who_is_invited_sees_the_workshops_that_were_given_to_them(
    olga: Browser, ada: Browser, open_browser: Callable[[], Browser], workshop: Workshop
) -> None:
    page = olga.post("/people", {"name": "tess", "role": "assistant"}).text
    link = re.search(r"http://localhost(/welcome/[\w-]+)", page)
    assert link
    assert "/welcome/" not in olga.get("/people").text
    tess = open_browser()
    assert tess.post(link[1], FORM).location == "/workshops"
    assert workshop.code not in tess.get("/workshops").text
    ada.post(f"/workshops/{workshop.public_id}/assistants", {"name": "tess"})
    assert workshop.code in tess.get("/workshops").text
    page = tess.get(f"/workshops/{workshop.public_id}").text
    assert "End the workshop" not in page
    assert 'href="/people"' not in page
    refused = tess.post(f"/workshops/{workshop.public_id}/end")
    assert "This is for whoever leads the workshop; you are an assistant here." in refused.text
    ada.post(f"/workshops/{workshop.public_id}/assistants/end", {"name": "tess"})
    assert tess.get(f"/workshops/{workshop.public_id}").status_code == 403


@pytest.mark.usefixtures("mallory")
def test_who_removes_an_instructor_leads_their_workshops(
    olga: Browser, ada: Browser, workshop: Workshop, parts: Wiring
) -> None:
    who = public_id(parts, "ada")
    assert workshop.title in olga.get(f"/people/{who}/remove").text
    assert olga.post(f"/people/{who}/remove").location == "/people"
    assert ada.get("/workshops").location == "/sign-in"
    with parts.database.read() as session:
        assert person_by_public_id(session, who) is None
        heir = person_called(session, "olga")
        assert heir
        assert session.get_one(Workshop, workshop.id).opened_by == heir.id


def test_the_only_owner_stays_one(olga: Browser, parts: Wiring) -> None:
    who = public_id(parts, "olga")
    sentence = "olga is the only owner of this server."
    assert sentence in olga.post(f"/people/{who}/role", {"role": "instructor"}).text
    assert sentence in olga.post(f"/people/{who}/remove").text
    olga.post("/people", {"name": "otto", "role": "owner"})
    assert olga.post(f"/people/{who}/role", {"role": "instructor"}).location == "/people"
    assert olga.get("/people").status_code == 403


def test_a_new_role_holds_from_the_next_request(ada: Browser, parts: Wiring) -> None:
    assert ada.get("/workshops/new").status_code == 200
    set_role(parts.database, "ada", "assistant")
    assert ada.get("/workshops/new").status_code == 403
    assert ada.get("/workshops").status_code == 200


def test_an_owner_sees_every_workshop_and_who_opened_it(olga: Browser, workshop: Workshop) -> None:
    listed = olga.get("/workshops").text
    assert workshop.code in listed
    assert "by <bdi>ada</bdi>" in listed


def test_a_wrong_invitation_says_what_is_wrong_and_adds_nobody(
    olga: Browser, parts: Wiring
) -> None:
    again = olga.post("/people", {"name": " Olga ", "role": "owner"})
    assert (again.status_code, "already somebody called Olga." in again.text) == (409, True)
    wrong = olga.post("/people", {"name": "eve", "role": "king"})
    assert (wrong.status_code, "There is no role called king." in wrong.text) == (422, True)
    assert (
        "no character that can be seen"
        in olga.post("/people", {"name": "\u200b", "role": "owner"}).text
    )
    with parts.database.read() as session:
        assert person_called(session, "eve") is None


def test_a_sign_in_is_listed_and_ended_and_nobody_ends_another_s(
    ada: Browser, mallory: Browser, open_browser: Callable[[], Browser], parts: Wiring
) -> None:
    phone = open_browser()
    agent = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"
    form = {"name": "ada", "password": PASSWORD}
    phone.post("/sign-in", form, headers={"User-Agent": agent})
    assert "Firefox on Android" in ada.get("/account").text
    with parts.database.read() as session:
        person = person_called(session, "ada")
        assert person
        numbers = [each.id for each in sign_ins_of(session, person.id)]
    for number in numbers:
        mallory.post(f"/account/sign-ins/{number}/end")
    assert phone.get("/workshops").status_code == 200
    ada.post("/account/sign-ins/end-others")
    assert phone.get("/workshops").location == "/sign-in"
    ada.post(f"/account/sign-ins/{min(numbers)}/end")
    assert ada.get("/workshops").location == "/sign-in"


def test_another_password_needs_the_one_there_is_and_signs_the_others_out(
    ada: Browser, open_browser: Callable[[], Browser]
) -> None:
    phone = open_browser()
    phone.post("/sign-in", {"name": "ada", "password": PASSWORD})
    other = "five words in a row now"
    form = {"password": other, "again": other}
    assert "That isn&#39;t the password" in ada.post("/account/password", {**form, "now": "x"}).text
    assert "differ" in ada.post("/account/password", {**form, "again": "x", "now": PASSWORD}).text
    assert phone.get("/workshops").status_code == 200
    assert ada.post("/account/password", {**form, "now": PASSWORD}).location == "/account"
    assert phone.get("/workshops").location == "/sign-in"
    assert ada.get("/workshops").status_code == 200
    assert phone.post("/sign-in", {"name": "ada", "password": other}).location == "/workshops"


@pytest.mark.usefixtures("olga")
def test_a_workshop_that_is_given_to_nobody_known_says_so(
    ada: Browser, workshop: Workshop, parts: Wiring
) -> None:
    address = f"/workshops/{workshop.public_id}/assistants"
    assert "There is nobody called eve who teaches here." in ada.post(address, {"name": "eve"}).text
    with parts.database.read() as session:
        person = person_called(session, "ada")
        assert person
    theirs = open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)), person.id)
    for _ in range(2):  # twice is once
        assert ada.post(address, {"name": "olga"}).status_code == 302
    assert "Nobody yet." in ada.get(f"/workshops/{theirs.public_id}/assistants").text
