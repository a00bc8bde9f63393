"""The web's nouns without a running server, each in a data folder of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import structlog
from click.testing import CliRunner, Result

from webapp.cli.greet import without
from webapp.cli.main import main
from webapp.cli.parts import own_url
from webapp.lesson_format.library import load_library
from webapp.models.database import Database
from webapp.problems import Problem, exit_code
from webapp.workshops.address import Address
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from webapp.settings import Settings


@pytest.fixture
def slipway(tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """Runs `slipway WORDS` and gives what it said."""
    environ = {"SLIPWAY_DATA": str(tmp_path), "SLIPWAY_PUBLIC_URL": "http://lab.school.example"}
    yield lambda *words: CliRunner().invoke(main, words, env=environ)
    structlog.reset_defaults()  # the log went to the runner's own stderr


def test_a_workshop_is_created_with_its_code_and_links(slipway: Callable[..., Result]) -> None:
    words = ("--lessons", "00-your-terminal", "--learners", "7", "--allow", "pypi.org")
    facts = json.loads(slipway("workshop", "create", "--json", *words).stdout)
    assert facts["link"] == f"http://lab.school.example/j/{facts['code']}"
    assert facts["page"].startswith("http://lab.school.example/workshops/")
    assert (facts["lessons"], facts["max_learners"]) == (["00-your-terminal"], 7)
    assert (facts["internet"], facts["allowed"]) == (True, ["pypi.org"])


def test_every_workshop_is_listed_and_only_one_that_is_over_is_forgotten(
    slipway: Callable[..., Result],
) -> None:
    code = json.loads(slipway("workshop", "create", "--json").stdout)["code"]
    listed = json.loads(slipway("workshop", "list", "--json").stdout)
    assert [(each["code"], each["learners"], each["ended_at"]) for each in listed] == [
        (code, 0, None)
    ]
    assert code in slipway("workshop", "list").stdout
    asked = slipway("workshop", "forget", code.lower())
    assert (asked.exit_code, "--for-good" in asked.stdout) == (1, True)
    goes_on = slipway("workshop", "forget", code, "--for-good")
    assert isinstance(goes_on.exception, Problem)
    assert goes_on.exception.code == "workshop-goes-on"
    unknown = slipway("workshop", "forget", "AAA-AAA", "--for-good")
    assert isinstance(unknown.exception, Problem)
    assert unknown.exception.code == "code-unknown"


def test_what_a_class_came_to_is_printed_as_words_table_and_object(
    slipway: Callable[..., Result], tmp_path: Path
) -> None:
    code = json.loads(slipway("workshop", "create", "--json").stdout)["code"]
    database = Database(f"sqlite:///{tmp_path}/web/slipway.db")
    join(database, code, "\x1b[2Jben", "attempt")
    database.close()
    words = slipway("workshop", "results", code).stdout
    assert words.startswith("  0 of ")
    assert "\x1b" not in words
    assert slipway("workshop", "results", code, "--csv").stdout.count("ben") > 9
    found = json.loads(slipway("workshop", "results", code, "--json").stdout)
    assert [each["finished"] for each in found["learners"]] == [False]
    unknown = slipway("workshop", "results", "AAA-AAA")
    assert isinstance(unknown.exception, Problem)


def test_a_link_that_learners_cannot_use_is_said(
    slipway: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("workshop", "create", "--json", "--lessons", "00-your-terminal")
    assert "--host 0.0.0.0" not in slipway(*words).stderr
    monkeypatch.setattr(
        "webapp.cli.parts.find_address", lambda *_: Address("", "Say --host 0.0.0.0")
    )
    made = slipway(*words)
    assert "--host 0.0.0.0" in made.stderr
    assert json.loads(made.stdout)["link"].startswith("http://127.0.0.1:8080/j/")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("workshop", "create", "--learners", "0"), "Learners at most is 0."),
        (("workshop", "create", "--allow", "10.0.0.5"), "“10.0.0.5” is no name"),
        (("workshop", "create", "--lessons", "nothing"), "There is no lesson called nothing."),
    ],
)
def test_a_wrong_call_is_one_sentence_and_code_2(
    slipway: Callable[..., Result], words: tuple[str, ...], sentence: str
) -> None:
    problem = slipway(*words).exception
    assert isinstance(problem, Problem)
    assert sentence in str(problem)
    assert exit_code(problem) == 2


def test_a_person_is_added_once_and_reset_as_often_as_wanted(
    slipway: Callable[..., Result],
) -> None:
    first = slipway("person", "instructor", "add", "ada")
    assert first.stdout.startswith("http://lab.school.example/welcome/")
    assert "It works once" in first.stderr
    again = slipway("person", "instructor", "add", "Ada").exception
    assert isinstance(again, Problem)
    assert (again.code, exit_code(again)) == ("person-exists", 1)
    reset = json.loads(slipway("person", "instructor", "reset", "ada", "--json").stdout)
    assert reset["link"] != first.stdout.strip()
    unknown = slipway("person", "instructor", "reset", "bob").exception
    assert "Those here: ada." in str(unknown)


def test_people_have_roles_and_what_the_command_line_does_is_in_the_log(
    slipway: Callable[..., Result],
) -> None:
    for role, name in (("owner", "olga"), ("instructor", "ada"), ("assistant", "tess")):
        assert "/welcome/" in slipway("person", role, "add", name).stdout
    slipway("person", "role", "tess", "instructor")
    assert slipway("person", "role", "tess", "king").exit_code == 2
    last = slipway("person", "role", "olga", "assistant").exception
    assert "olga is the only owner of this server." in str(last)
    assert "another leader" in slipway("person", "remove", "ada").stderr
    assert "olga is signed out" in slipway("person", "sign-out", "Olga").stderr
    listed = json.loads(slipway("person", "list", "--json").stdout)
    assert [(each["name"], each["role"], each["sign_ins"]) for each in listed] == [
        ("olga", "owner", []),
        ("tess", "instructor", []),
    ]
    assert "(has a link)" in slipway("person", "list").stdout
    log = [json.loads(line) for line in slipway("audit", "list", "--json").stdout.splitlines()]
    assert {each["who"] for each in log} == {"command line"}
    assert [each["sentence"] for each in log[:2]] == [
        "signed olga out everywhere",
        "removed the account of ada",
    ]
    assert len(slipway("audit", "list", "--last", "2").stdout.splitlines()) == 2
    assert slipway("audit", "list", "--who", "tess").stdout == ""


def test_the_log_of_one_workshop_is_found_by_its_code(slipway: Callable[..., Result]) -> None:
    slipway("person", "owner", "add", "olga")
    code = json.loads(slipway("workshop", "create", "--json").stdout)["code"]
    (line,) = slipway("audit", "list", "--workshop", code).stdout.splitlines()
    assert "opened the workshop" in line
    assert "nobody called eve" in str(slipway("audit", "list", "--who", "eve").exception)


def test_the_greeting_has_a_link_until_there_is_an_instructor(
    slipway: Callable[..., Result],
) -> None:
    facts = json.loads(slipway("greet", "--json").stdout)
    assert facts["url"] == "http://lab.school.example"
    assert facts["instructor_link"].startswith("http://lab.school.example/welcome/")
    assert facts["demo_code"] == json.loads(slipway("greet", "--json").stdout)["demo_code"]
    assert facts["demo_note"].startswith("Not in it: Images, The engine")
    assert "Build slipway/engine (./slipway image build) where that isn't" in facts["demo_note"]
    slipway("person", "instructor", "add", "ada")
    made = slipway("workshop", "create")
    assert "Without 03-images, 04-the-engine" in made.stderr
    later = json.loads(slipway("greet", "--json").stdout)
    assert later["instructor_link"] is None
    assert (later["demo_code"], later["demo_note"]) == (None, "")


def test_the_greeting_asks_nobody_to_build_an_image_that_is_here(settings: Settings) -> None:
    library = load_library(settings.lessons)
    there = without(library, ["slipway/base", "slipway/engine"])
    assert there.startswith("Not in it: Images, The engine")
    assert there.endswith(". Open a workshop with them.")
    missing = without(library, ["slipway/base"])
    assert missing.endswith(
        ". Build slipway/engine (./slipway image build), and open a workshop with them."
    )


def test_a_server_that_only_its_own_machine_reaches_is_linked_to_by_an_address_that_works(
    settings: Settings,
) -> None:
    urls = [own_url(replace(settings, host=host, port=80)) for host in ("127.0.0.1", "::1")]
    assert urls == ["http://127.0.0.1:80", "http://[::1]:80"]
