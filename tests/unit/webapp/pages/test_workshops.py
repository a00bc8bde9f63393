"""What an instructor does and sees, and what others must not."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from webapp.lesson_format.model import Profile
from webapp.models.people import Learner, workshops_for
from webapp.problems import Problem
from webapp.workshops.opening import ensure_demo
from webapp.workshops.paths import read_paths
from webapp.workshops.teaching import person_called

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

FORM = {
    "lessons": ["02-what-is-a-container"],
    "max_learners": "12",
    "minutes": "45",
    "internet": "on",
}


def opened(parts: Wiring) -> list[Workshop]:
    with parts.database.read() as session:
        person = person_called(session, "ada")
        assert person
        return workshops_for(session, person)


def test_an_instructor_opens_a_workshop_with_the_form_s_own_defaults(
    ada: Browser, parts: Wiring, engine: MemoryEngine
) -> None:
    page = ada.get("/workshops/new")
    assert page.status_code == 200
    answer = ada.post("/workshops", FORM)
    (made,) = opened(parts)
    assert answer.location == f"/workshops/{made.public_id}"
    assert (made.max_learners, made.internet, made.title) == (12, True, "What is a container?")
    assert engine.wanted[0]["internet"] is True
    assert made.code in ada.get(answer.location).text


@pytest.mark.parametrize(
    ("lessons", "title"),
    [
        (["01-the-full-server", "05-limits"], "The full server and 1 more lesson"),
        (
            ["00-your-terminal", "01-the-full-server", "05-limits"],
            "Your terminal and 2 more lessons",
        ),
    ],
)
def test_a_workshop_of_several_lessons_is_called_as_the_first_and_says_how_many(
    ada: Browser, parts: Wiring, lessons: list[str], title: str
) -> None:
    page = ada.post("/workshops", {**FORM, "lessons": lessons}).location
    (made,) = opened(parts)
    assert made.title == title
    assert title in ada.get(page).text


def test_a_workshop_for_listed_names_is_opened_shown_and_changed(
    ada: Browser, parts: Wiring, engine: MemoryEngine
) -> None:
    typed = {"internet": "list", "allowed": "PyPI.org\n*.debian.org"}
    page = ada.post("/workshops", {**FORM, **typed}).location
    (made,) = opened(parts)
    assert (made.internet, made.allowed) == (True, ["pypi.org", "*.debian.org"])
    assert engine.wanted[0]["allowed"] == ["pypi.org", "*.debian.org"]
    assert "2 listed names" in ada.get(page).text
    assert "internet for listed names" in ada.get("/workshops").text
    assert ada.post(f"{page}/names", {"allowed": "a.example"}).location == page
    assert engine.wanted[0]["allowed"] == ["a.example"]
    refused = ada.post(f"{page}/names", {"allowed": "10.0.0.5"})
    assert "“10.0.0.5” is no name" in refused.text
    assert opened(parts)[0].allowed == ["a.example"]


def test_what_stands_in_containers_way_is_said_on_the_instructor_s_pages(
    ada: Browser, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ada.post("/workshops", FORM).location
    sentence = "The server has a route into what containers have."
    assert sentence not in ada.get("/workshops").text + ada.get(page).text
    warning = Problem("network-crossed", sentence, "End the VPN.").as_dict()
    said = engine.status() | {"warnings": [warning]}
    monkeypatch.setattr(engine, "status", lambda: said)
    for address in ("/workshops", page):
        assert f"{sentence} End the VPN." in ada.get(address).text


def test_a_list_that_can_t_be_meant_stays_in_the_form(ada: Browser, parts: Wiring) -> None:
    answer = ada.post("/workshops", {**FORM, "internet": "list", "allowed": "https://pypi.org"})
    assert "“https://pypi.org” is no name" in answer.text
    assert ">https://pypi.org</textarea>" in answer.text
    assert opened(parts) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"lessons": []}, "No lesson is chosen."),
        ({"lessons": ["../../etc"]}, "There is no lesson called ../../etc."),
        ({"max_learners": "0"}, "Learners at most is 0."),
        ({"max_learners": "many"}, "Learners at most is “many”."),
        ({"minutes": "9" * 60}, "How long, in minutes, is 999999999."),
    ],
)
def test_a_form_that_makes_no_workshop_says_why_and_keeps_the_rest(
    ada: Browser, parts: Wiring, changed: dict[str, object], sentence: str
) -> None:
    answer = ada.post("/workshops", {**FORM, **changed})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert opened(parts) == []


def test_a_workshop_is_of_the_profile_that_one_of_its_lessons_needs(
    ada: Browser, parts: Wiring, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = FORM["lessons"]
    lessons = parts.library.lessons
    nested = replace(lessons[name], profile=Profile.ENGINE, image="slipway/engine")
    monkeypatch.setitem(lessons, name, nested)
    form = {**FORM, "lessons": ["00-your-terminal", name]}
    refused = ada.post("/workshops", form)
    assert "no image slipway/engine, which these lessons need" in unescape(refused.text)
    assert opened(parts) == []
    engine.images.append("slipway/engine")
    ada.post("/workshops", form)
    (made,) = opened(parts)
    assert (made.profile, made.image) == ("engine", "slipway/engine")
    assert engine.wanted[0]["profile"] == "engine"


def test_the_demo_ends_when_a_real_workshop_opens(ada: Browser, parts: Wiring) -> None:
    demo = ensure_demo(parts.database, parts.library)
    assert demo
    assert (demo.max_learners, demo.internet) == (3, False)
    assert "without Images, The engine" in ada.get("/workshops").text
    ada.post("/workshops", FORM)
    real, over = opened(parts)
    assert (real.is_demo, real.ended_at) == (False, None)
    assert (over.id, over.ended_at is not None) == (demo.id, True)
    assert ensure_demo(parts.database, parts.library) is None


def test_nobody_else_sees_or_ends_an_instructor_s_workshop(
    workshop: Workshop, mallory: Browser, ben: Browser, parts: Wiring
) -> None:
    ben.join(workshop.code, "ben")
    page = f"/workshops/{workshop.public_id}"
    for path in ("", "/code", "/end"):
        assert mallory.get(page + path).status_code == 403
        assert ben.get(page + path).location == "/sign-in"
    assert mallory.post(f"{page}/end").status_code == 403
    assert ben.post(f"{page}/end").status_code == 401
    assert mallory.post(f"{page}/try").status_code == 403
    assert workshop.title not in mallory.get("/workshops").text
    assert parts.line.place_of(learner_id(parts, "ben")).state == "ready"


def test_ending_says_what_goes_and_what_stays_and_then_does_so(
    ada: Browser, ben: Browser, workshop: Workshop, parts: Wiring, engine: MemoryEngine
) -> None:
    ben.join(workshop.code, "ben")
    parts.line.place_of(learner_id(parts, "ben"))
    page = f"/workshops/{workshop.public_id}"
    asked = ada.get(f"{page}/end").text
    assert "1 lab, with every file and program in it" in asked
    assert "Who joined, and which steps and checks" in asked
    ada.post(f"{page}/end")
    assert engine.labs == {}
    after = ada.get(page).text
    assert "This workshop is over." in after
    assert "ben" in after
    assert parts.line.place_of(learner_id(parts, "ben")).state == "ended"


def test_an_instructor_who_tries_it_takes_no_place_and_is_one_learner(
    ada: Browser, workshop: Workshop
) -> None:
    for _ in range(2):
        assert ada.post(f"/workshops/{workshop.public_id}/try").location == "/lab"
    page = ada.get(f"/workshops/{workshop.public_id}").text
    assert page.count("data-staff >trying it") == 1
    assert "<strong data-joined>0</strong> of 2" in page


def test_the_projector_shows_the_set_address_with_a_picture_of_the_link(
    ada: Browser, workshop: Workshop, parts: Wiring
) -> None:
    object.__setattr__(parts.settings, "public_url", "http://lab.school.example/")
    page = ada.get(f"/workshops/{workshop.public_id}/code").text
    assert "<strong>lab.school.example</strong>" in page
    assert "<svg" in page
    assert workshop.code in page


def test_the_projector_never_shows_localhost(ada: Browser, workshop: Workshop) -> None:
    page = ada.get(f"/workshops/{workshop.public_id}/code").text
    assert "localhost" not in page
    assert "127.0.0.1" not in page
    assert "This server listens to its own machine only." in page


def test_the_list_says_that_labs_are_away_and_shows_the_rest(
    ada: Browser, workshop: Workshop, engine: MemoryEngine
) -> None:
    engine.is_away = True
    page = ada.get("/workshops")
    assert page.status_code == 200
    assert "The runtime is away." in page.text
    assert workshop.code in page.text


def learner_id(parts: Wiring, name: str) -> LearnerId:
    with parts.database.read() as session:
        return session.scalars(select(Learner.id).where(Learner.name == name)).one()


def test_a_learner_who_lost_the_pin_gets_it_from_their_own_instructor_only(
    ada: Browser, mallory: Browser, ben: Browser, chi: Browser, workshop: Workshop, parts: Wiring
) -> None:
    ben.join(workshop.code, "otter")
    with parts.database.read() as session:
        learner = session.get_one(Learner, learner_id(parts, "otter"))
    page = f"/workshops/{workshop.public_id}/learners/{learner.public_id}"
    shown = re.search(r'class="workshop__letters mono">(\d{4})<', ada.get(page).text)
    assert shown
    form = {"code": workshop.code, "name": "otter", "pin": shown[1]}
    assert chi.post("/resume", form).location == "/lab"
    assert mallory.get(page).status_code == 403
    assert chi.get(page).location == "/sign-in"
    assert ada.get(f"{page}x").status_code == 404


@pytest.mark.parametrize(
    ("path", "minutes", "count"),
    [("90-minutes", 100, 4), ("half-a-day", 240, 7), ("a-day", 420, 9)],
)
def test_a_way_through_the_course_chooses_its_lessons_and_its_length(
    ada: Browser, path: str, minutes: int, count: int
) -> None:
    page = unescape(ada.get(f"/workshops/new?path={path}").text)
    assert len(re.findall(r'name="lessons" value="[^"]+"[^>]* checked', page)) == count
    assert re.search(rf'name="minutes"[^>]*value="{minutes}"', page)
    assert f'href="/workshops/new?path={path}" aria-current="true"' in page


def test_a_way_that_nobody_named_or_a_broken_file_leaves_the_usual_choice(
    ada: Browser, tmp_path: Path
) -> None:
    page = ada.get("/workshops/new?path=nowhere").text
    assert len(re.findall(r'name="lessons" value="[^"]+"[^>]* checked', page)) == 2
    assert read_paths(tmp_path, ()) == []
    (tmp_path / "paths.toml").write_text("[[path]]\nname = 3")
    assert read_paths(tmp_path, ()) == []
