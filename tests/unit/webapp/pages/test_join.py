"""The front door, with good input and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from webapp.keys import derive_pin
from webapp.models.people import Learner, learners_of
from webapp.workshops.ending import end_workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def names(parts: Wiring, workshop: Workshop) -> list[str]:
    with parts.database.read() as session:
        return [each.shown_name for each in learners_of(session, workshop.id)]


def test_a_code_and_a_name_lead_to_the_pin_and_then_to_the_lesson(
    ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    answer = ben.join(workshop.code.lower().replace("-", " "), "ben")
    assert (answer.status_code, answer.location) == (302, "/pin")
    page = ben.get("/pin")
    assert page.status_code == 200
    assert "ben" in page.text
    assert ben.get("/lab").location.startswith("/lab/00-your-terminal/")
    assert names(parts, workshop) == ["ben"]


def test_the_same_form_sent_twice_makes_one_learner(
    ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    for _ in range(2):
        assert ben.join(workshop.code, "ben", attempt="sure-one-form").status_code == 302
    assert names(parts, workshop) == ["ben"]


def test_the_same_name_twice_is_two_people_after_one_question(
    ben: Browser, chi: Browser, workshop: Workshop, parts: Wiring
) -> None:
    ben.join(workshop.code, "otter")
    asked = chi.join(workshop.code, "OTTER")
    assert asked.status_code == 409
    assert "Someone here is already called OTTER. Was it you?" in asked.text
    assert "the class sees you as OTTER 2" in asked.text
    again = asked.text.split('name="attempt" value="')[1].split('"')[0]
    assert chi.join(workshop.code, "OTTER", attempt=again).status_code == 302
    assert names(parts, workshop) == ["otter", "OTTER 2"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Your name has no character that can be seen."),
        ("\u200b\u2060\ufeff", "Your name has no character that can be seen."),
        ("   \t ", "Your name has no character that can be seen."),
        ("x" * 50_000, "Your name has 50000 characters; 32 fit."),
        ("\u202e\u202d", "Your name has no character that can be seen."),
        ("\u3164\u2800\u115f\uffa0", "Your name has no character that can be seen."),
        ("\u0301", "Your name has no character that can be seen."),
    ],
)
def test_a_name_that_no_roster_can_show_gets_one_sentence(
    ben: Browser, workshop: Workshop, parts: Wiring, name: str, sentence: str
) -> None:
    answer = ben.join(workshop.code, name)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert len(answer.data) < 40_000
    assert names(parts, workshop) == []


@pytest.mark.parametrize("name", ["李雷", "Ö. Ö", "o_o", "x,y", "<b>x</b>", "محمد", "a\u202ebc"])
def test_any_name_that_can_be_seen_is_taken_and_shown_as_text(
    ben: Browser, workshop: Workshop, parts: Wiring, name: str, engine: MemoryEngine
) -> None:
    assert ben.join(workshop.code, name).status_code == 302
    assert names(parts, workshop) == [name.replace("\u202e", "")]
    assert "<b>x</b>" not in ben.get("/pin").text
    ben.get("/pin")
    assert all(name not in str(asked) for asked in engine.asked)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a" + "\u0301" * 31, "\u00e1" + "\u0301" * 5),
        ("a" + ("\u0301" * 5 + "\u200b") * 6, "\u00e1" + "\u0301" * 5),
        ("o\u3164tter", "otter"),
        ("\ufdfa" * 32, "\ufdfa" * 32),
        ("</script>", "</script>"),
    ],
    ids=[
        "a tower of accents",
        "a tower in storeys",
        "a gap that is a letter",
        "18 letters in each",
        "an end of a script",
    ],
)
def test_a_name_stays_within_its_line_and_its_column(
    ben: Browser, workshop: Workshop, parts: Wiring, ada: Browser, typed: str, shown: str
) -> None:
    assert ben.join(workshop.code, typed).status_code == 302
    assert names(parts, workshop) == [shown]
    with parts.database.read() as session:
        keys = session.scalars(select(Learner.name_key)).all()
    assert [len(each) <= 128 for each in keys] == [True]
    assert "</script></" not in ada.get(f"/workshops/{workshop.public_id}").text


def test_a_wrong_code_gets_its_sentence_and_locks_no_class_out(
    open_browser: Callable[[], Browser], workshop: Workshop
) -> None:
    mistyping = open_browser()
    for _ in range(10):
        answer = mistyping.join("KLP-47I", "otter")
        assert answer.status_code == 404
        assert "No open workshop has the code KLP-47I." in answer.text
    assert mistyping.join("KLP-47I", "otter").status_code == 429
    assert open_browser().join(workshop.code, "heron").status_code == 302


@pytest.mark.parametrize("code", ["", "\u200b", "O0I1", "x" * 50_000, "<script>"])
@pytest.mark.usefixtures("workshop")
def test_a_code_that_is_none_gets_a_sentence(ben: Browser, code: str) -> None:
    answer = ben.join(code, "otter")
    assert answer.status_code in {404, 422}
    assert "<script>" not in answer.text.replace("<script type", "").replace("<script nonce", "")
    assert len(answer.data) < 40_000


def test_a_link_fills_the_code_in_and_says_whose_workshop_it_is(
    ben: Browser, workshop: Workshop
) -> None:
    page = ben.get(f"/j/{workshop.code}")
    assert page.status_code == 200
    assert workshop.title in page.text
    script = ben.get(f"/j/{workshop.code}", headers={"Accept": "application/json"})
    assert script.json == {"title": workshop.title, "opened_by": "ada"}


def test_the_code_of_an_ended_workshop_says_that_progress_is_kept(
    ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    end_workshop(parts.database, parts.labs, parts.news, workshop.id)
    answer = ben.join(workshop.code, "ben")
    assert answer.status_code == 410
    assert "is over" in answer.text


def test_a_pin_brings_a_learner_back_in_another_browser(
    ben: Browser, chi: Browser, workshop: Workshop, parts: Wiring
) -> None:
    ben.join(workshop.code, "otter")
    pin = pin_of(parts, workshop, "otter")
    form = {"code": workshop.code, "name": "Otter", "pin": pin}
    assert chi.post("/resume", form).location == "/lab"
    assert names(parts, workshop) == ["otter"]


def test_wrong_pins_slow_that_browser_down_and_nobody_else(
    open_browser: Callable[[], Browser], ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    ben.join(workshop.code, "otter")
    pin = pin_of(parts, workshop, "otter")
    form = {"code": workshop.code, "name": "otter", "pin": "0000" if pin != "0000" else "1111"}
    guessing = open_browser()
    first = guessing.post("/resume", form)
    assert first.status_code == 403
    assert "That PIN does not belong to otter. 4 tries left" in first.text
    for _ in range(4):
        guessing.post("/resume", form)
    assert guessing.post("/resume", {**form, "pin": pin}).status_code == 429
    assert open_browser().post("/resume", {**form, "pin": pin}).status_code == 302


def test_not_me_makes_the_old_cookie_worth_nothing_and_ends_its_terminals(
    ben: Browser,
    workshop: Workshop,
    open_browser: Callable[[], Browser],
    parts: Wiring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ben.join(workshop.code, "otter")
    withdrawn: list[str] = []

    def withdraw(*, person: str) -> None:
        withdrawn.append(person)

    monkeypatch.setattr(parts.pumps, "withdraw", withdraw)  # no pump runs here
    cookie = ben.client.get_cookie("slipway_learner")
    assert cookie
    assert "otter" in ben.get("/").text
    ben.post("/leave")
    with parts.database.read() as session:
        assert withdrawn == [learners_of(session, workshop.id)[0].public_id]
    next_pupil = open_browser()
    next_pupil.client.set_cookie("slipway_learner", cookie.value)
    assert "otter" not in next_pupil.get("/").text
    assert next_pupil.get("/lab").location == "/"
    assert ben.get("/pin").headers["Cache-Control"] == "no-store"


def test_a_form_without_its_token_is_refused(
    ben: Browser, workshop: Workshop, parts: Wiring
) -> None:
    answer = ben.client.post("/", data={"code": workshop.code, "name": "ben"})
    assert answer.status_code == 400
    assert "This form is too old to be taken." in answer.text
    assert names(parts, workshop) == []


def test_cookies_work_over_http_and_are_closed_to_scripts(ben: Browser, workshop: Workshop) -> None:
    answer = ben.join(workshop.code, "ben")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "slipway_learner" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def pin_of(parts: Wiring, workshop: Workshop, name: str) -> str:
    with parts.database.read() as session:
        learner: Learner = next(
            each for each in learners_of(session, workshop.id) if each.shown_name == name
        )
    return derive_pin(parts.key, learner.public_id, learner.pin_turn)
