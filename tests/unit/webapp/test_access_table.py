"""Every page and every socket message, tried by everyone who might: the table of who may what.

What is in neither table fails, so that nothing is added without somebody saying whom it is for.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from webapp.models.base import now
from webapp.models.workshops import Workshop
from webapp.sockets import wire
from webapp.sockets.wire import Field, Kind, Sender
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.teaching import person_called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from werkzeug.wrappers import Response

    from tests.unit.webapp.conftest import Browser
    from webapp.wiring import Wiring

# Blueprints: ways in, whether the server is well, and what the network lets through.
ANYBODY = {"join", "account", "certificates", "health", "network"}
LEARNERS = {"lesson", "container", "keepsakes", "preview", "recordings"}
INSTRUCTORS = {"images", "pace", "results", "server", "workshops"}
# No pages: files, and websockets (tests/integration/test_terminal_opening.py).
ELSEWHERE = {"static", "terminal.open_terminal", "trial.open_trial"}
STEP = "00-your-terminal/01-a-prompt"
PEOPLE = ("nobody", "ben", "chi", "dan", "late", "ada", "mallory")
TAUGHT = {"ben", "chi", "dan", "late"}
TEACH = {"ada", "mallory"}


class School:
    """Ben and chi learn with ada, dan with mallory, late in a workshop of ada's that is over."""

    def __init__(self, parts: Wiring, workshop: Workshop, browsers: dict[str, Browser]) -> None:
        self.workshop = workshop
        self.browsers = browsers
        theirs = self._open(parts, "mallory")
        over = self._open(parts, "ada")
        self.ben, token = join(parts.database, workshop.code, "ben", "b")
        self._sit("ben", token)
        for name, where in (("chi", workshop), ("dan", theirs), ("late", over)):
            _, token = join(parts.database, where.code, name, name)
            self._sit(name, token)
        with parts.database.write() as session:
            session.get_one(Workshop, over.id).ended_at = now() - timedelta(minutes=1)

    def _open(self, parts: Wiring, name: str) -> Workshop:
        with parts.database.read() as session:
            person = person_called(session, name)
        assert person
        return open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)), person.id)

    def _sit(self, name: str, token: str) -> None:
        self.browsers[name].client.set_cookie("slipway_learner", token)

    def address(self, rule: str) -> str:
        """A route's address, about ben where it is about somebody."""
        values = {
            "public_id": self.workshop.public_id,
            "learner_id": self.ben.public_id,
            "lesson_name": "00-your-terminal",
            "step_name": "01-a-prompt",
            "code": self.workshop.code,
            "port": "3000",
            "name": "00000000-1.cast",
            "token": "no-such-token",
            "certificate_id": "no-such-one",
        }
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], rule)


@pytest.fixture
def school(
    parts: Wiring,
    workshop: Workshop,
    ada: Browser,
    mallory: Browser,
    open_browser: Callable[[], Browser],
) -> School:
    others = {name: open_browser() for name in PEOPLE if name not in TEACH}
    return School(parts, workshop, {**others, "ada": ada, "mallory": mallory})


def pages(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, rule and method of all there is."""
    for rule in sorted(app.url_map.iter_rules(), key=str):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint not in ELSEWHERE:
                yield rule.endpoint, rule.rule, method


def allowed(endpoint: str, rule: str) -> set[str]:
    """Who may: by the table above; what is about one workshop is its own instructor's."""
    room = endpoint.partition(".")[0]
    if room in ANYBODY:
        return set(PEOPLE)
    if room in LEARNERS:
        return TAUGHT
    assert room in INSTRUCTORS, f"{endpoint} is in no row of the table of who may what"
    return {"ada"} if "<public_id>" in rule else TEACH


def is_refused(answer: Response) -> bool:
    elsewhere = answer.status_code in {302, 303} and answer.location in {"/", "/sign-in"}
    return answer.status_code in {401, 403} or elsewhere


def test_every_page_is_refused_to_whom_it_is_not_for(app: Flask, school: School) -> None:
    wrong = []
    for endpoint, rule, method in pages(app):
        for name in PEOPLE:
            if name in allowed(endpoint, rule):
                continue
            browser, address = school.browsers[name], school.address(rule)
            answer = browser.get(address) if method == "GET" else browser.post(address, {})
            with answer:
                if not is_refused(answer):
                    wrong.append(f"{name}: {method} {rule}: {answer.status_code}")
    assert wrong == []


def test_every_page_opens_for_whom_it_is_for(app: Flask, school: School) -> None:
    wrong = []
    for endpoint, rule, method in pages(app):
        names = allowed(endpoint, rule) if endpoint.partition(".")[0] not in ANYBODY else set()
        for name in sorted(names if method == "GET" else set()):
            with school.browsers[name].get(school.address(rule)) as answer:
                if is_refused(answer) and rule != "/preview/<int:port>":  # none is open
                    wrong.append(f"{name}: {rule}: {answer.status_code}")
    assert wrong == []


def value(field: Field, school: School) -> object:
    """Something that the field may hold, about ben where it is about somebody."""
    about = {
        "workshop": school.workshop.public_id,
        "learner": school.ben.public_id,
        "step": STEP,
        "terminal": "00000000.1",
        "text": "hello",
    }
    match field.kind:
        case Kind.TEXT:
            return field.words[0] if field.words else about.get(field.name, "")
        case Kind.FLAG:
            return False
        case Kind.BYTES:
            return b""
        case _:
            return 1


NAMESPACES = {"/lesson": TAUGHT, "/wall": TEACH, "/images": TEACH, "/terminal": TAUGHT | TEACH}
SAID = [each for each in wire.MESSAGES if each.sender is Sender.BROWSER]


def test_each_namespace_lets_in_whom_it_is_for(app: Flask, parts: Wiring, school: School) -> None:
    assert {each.namespace for each in SAID} == set(NAMESPACES)
    let_in = {
        namespace: {
            name
            for name in PEOPLE
            if parts.socketio.test_client(
                app, namespace=namespace, flask_test_client=school.browsers[name].client
            ).is_connected(namespace)
        }
        for namespace in NAMESPACES
    }
    assert let_in == NAMESPACES


@pytest.mark.parametrize(
    ("who", "namespace", "codes"),
    [
        ("late", "/lesson", {"workshop-over"}),
        ("mallory", "/wall", {"not-yours"}),
        ("late", "/terminal", {"lab-unknown"}),
        ("mallory", "/terminal", {"lab-unknown"}),
    ],
)
def test_no_message_does_anything_for_whom_it_is_not_for(
    app: Flask, parts: Wiring, school: School, who: str, namespace: str, codes: set[str]
) -> None:
    client = school.browsers[who].client
    socket = parts.socketio.test_client(app, namespace=namespace, flask_test_client=client)
    answers = {}
    for message in (each for each in SAID if each.namespace == namespace):
        fields = {field.name: value(field, school) for field in message.fields}
        answer = socket.emit(message.name, fields, namespace=namespace, callback=True) or {}
        answers[message.name] = answer.get("problem", {}).get("code")
    silent = {"look", "send", "close"} if namespace != "/lesson" else set()  # nothing is theirs
    assert {name for name, code in answers.items() if code not in codes} <= silent
