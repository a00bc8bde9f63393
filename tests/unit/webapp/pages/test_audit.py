"""Everything that those who teach do is in the log, in words, and no secret is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.conftest import PASSWORD
from webapp import audit
from webapp.models.base import now
from webapp.models.people import Role
from webapp.models.workshops import Workshop
from webapp.workshops import deeds
from webapp.workshops.forgetting import forget
from webapp.workshops.joining import join
from webapp.workshops.teaching import person_called

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.unit.webapp.conftest import Browser
    from webapp.settings import Settings
    from webapp.wiring import Wiring

HOSTILE = "<img src=x onerror=alert(1)>"


def told(parts: Wiring) -> list[tuple[str, str]]:
    """Who did what, oldest first."""
    with parts.database.read() as session:
        return [(each.who, each.sentence) for each in reversed(deeds.lines(session, None))]


def test_what_an_instructor_does_is_there_with_when_whom_and_where(
    ada: Browser, workshop: Workshop, parts: Wiring
) -> None:
    learner, _ = join(parts.database, workshop.code, HOSTILE, "a")
    place = f"/workshops/{workshop.public_id}"
    ada.post(f"{place}/minutes", {"minutes": "15"})
    ada.post(f"{place}/minutes", {"minutes": "never"})  # refused, so not done
    ada.post(f"{place}/places", {"places": "9"})
    ada.post(f"{place}/learners/{learner.public_id}/note", {"note": "quiet"})
    ada.post(f"{place}/end")
    assert told(parts) == [
        ("ada", "gave 15 more minutes"),
        ("ada", "set how many may join to 9"),
        ("ada", "wrote the private note"),
        ("ada", "ended the workshop at once"),
    ]
    page = ada.get("/audit").text
    assert f'href="{place}/learners/{learner.public_id}"' in page
    assert HOSTILE not in page
    assert "&lt;img" in page


def test_a_workshop_that_is_opened_in_the_browser_is_named(ada: Browser, parts: Wiring) -> None:
    form = {"lessons": "00-your-terminal", "max_learners": "3", "minutes": "30"}
    place = ada.post("/workshops", form).location
    with parts.database.read() as session:
        (line,) = deeds.lines(session, None)
    assert (line.what, place) == ("workshops.open_one", f"/workshops/{line.workshop_id}")


def test_a_learner_s_name_is_gone_from_the_log_with_their_data(
    ada: Browser, workshop: Workshop, parts: Wiring, settings: Settings
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    ada.post(f"/workshops/{workshop.public_id}/learners/{learner.public_id}/lower")
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).ended_at = now()
    forget(parts.database, settings.web_path, workshop.id)
    with parts.database.read() as session:
        (line,) = deeds.lines(session, None)
    assert (line.learner, line.workshop) == ("a learner whose data is deleted", "")
    assert "otter" not in ada.get("/audit").text


def test_an_instructor_reads_what_concerns_them_and_an_owner_all(
    ada: Browser,
    mallory: Browser,
    workshop: Workshop,
    sign_in: Callable[[str, str], Browser],
) -> None:
    tess, olga = sign_in("tess", Role.ASSISTANT), sign_in("olga", Role.OWNER)
    place = f"/workshops/{workshop.public_id}"
    ada.post(f"{place}/assistants", {"name": "tess"})
    tess.post(f"{place}/try")
    mallory.post("/account/sign-ins/end-others")
    theirs = "ended all other sign-ins"
    assert "joined as a learner" in ada.get("/audit").text
    assert theirs not in ada.get("/audit").text
    assert theirs in mallory.get("/audit").text
    assert "joined as a learner" not in mallory.get("/audit").text
    assert all(each in olga.get("/audit").text for each in (theirs, "joined as a learner"))
    only = olga.get(f"/audit?workshop={workshop.public_id}").text
    assert theirs not in only
    assert "gave it to tess" in only


def test_ways_in_are_there_and_no_password_and_no_link(
    open_browser: Callable[[], Browser], parts: Wiring, sign_in: Callable[[str, str], Browser]
) -> None:
    olga, browser = sign_in("olga", Role.OWNER), open_browser()
    page = olga.post("/people", {"name": "tess", "role": "assistant"}).text
    token = page.partition("/welcome/")[2].partition("<")[0]
    browser.post(f"/welcome/{token}", {"password": PASSWORD, "again": PASSWORD})
    browser.post("/sign-out")
    browser.post("/sign-in", {"name": "tess", "password": "x" * 10})
    browser.post("/sign-in", {"name": "nobody at all", "password": "x" * 10})
    browser.post("/sign-in", {"name": "tess", "password": PASSWORD})
    assert told(parts) == [
        ("olga", "invited tess as assistant"),
        ("tess", "set a password by a one-time link"),
        ("tess", "signed out"),
        ("somebody", "tried a wrong password for tess"),
        ("tess", "signed in"),
    ]
    with parts.database.read() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM deeds").fetchall()
    assert all(secret not in str(rows) for secret in (PASSWORD, token))


def test_what_is_told_to_the_class_is_there(
    app: Flask, ada: Browser, workshop: Workshop, parts: Wiring
) -> None:
    join(parts.database, workshop.code, "otter", "a")
    socket = parts.socketio.test_client(app, namespace="/wall", flask_test_client=ada.client)
    socket.emit("watch", {"workshop": workshop.public_id}, namespace="/wall", callback=True)
    message = {"learners": "", "text": "Five minutes", "command": ""}
    socket.emit("tell", message, namespace="/wall", callback=True)
    assert told(parts) == [("ada", "told 1 something")]


@pytest.mark.parametrize("what", ["people.invite", "made.by-a-later-slipway"])
def test_a_deed_that_lacks_its_facts_or_words_is_read_nevertheless(
    parts: Wiring, what: str
) -> None:
    deeds.keep(parts.database, what)
    ((who, sentence),) = told(parts)
    assert who == "command line"
    assert sentence in {"invited ? as ?", what}


def test_no_name_turns_a_line_of_the_log_around(parts: Wiring) -> None:
    deeds.keep(parts.database, "people.invite", name="\u202eeve\n2026 ada", role="owner")
    assert told(parts) == [("command line", "invited eve 2026 ada as owner")]


def test_older_deeds_are_on_the_next_page(
    parts: Wiring, sign_in: Callable[[str, str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deeds, "PAGE_LINES", 2)
    olga = sign_in("olga", Role.OWNER)
    for name in ("first", "second", "third"):
        deeds.keep(parts.database, "people.reset", name=name)
    page = olga.get("/audit").text
    assert ["for first" in page, "for second" in page, "for third" in page] == [False, True, True]
    older = page.partition('href="/audit?before=')[2].partition('"')[0].replace("&amp;", "&")
    assert "for first" in olga.get(f"/audit?before={older}").text


def test_a_server_that_dies_right_after_a_deed_has_its_row(
    ada: Browser, workshop: Workshop, parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("_complete", "_write"):
        monkeypatch.setattr(audit, name, dies)
    with pytest.raises(KeyboardInterrupt):
        ada.post(f"/workshops/{workshop.public_id}/places", {"places": "9"})
    with parts.database.read() as session:
        (line,) = deeds.lines(session, None)
        assert session.get_one(Workshop, workshop.id).max_learners == 9
    assert (line.who, line.what, line.workshop_id) == (
        "ada",
        "workshops.set_places",
        workshop.public_id,
    )


def test_what_the_database_took_back_has_no_row(
    sign_in: Callable[[str, str], Browser], parts: Wiring
) -> None:
    olga = sign_in("olga", Role.OWNER)
    with parts.database.read() as session:
        person = person_called(session, "olga")
    assert person
    refused = olga.post(f"/people/{person.public_id}/role", {"role": "assistant"})
    assert (refused.status_code, told(parts)) == (409, [])


def test_a_wrong_password_of_one_who_is_signed_in_is_no_sign_in(
    ada: Browser, parts: Wiring
) -> None:
    ada.post("/sign-in", {"name": "ada", "password": "x" * 10})
    assert told(parts) == [("ada", "tried a wrong password for ada")]
