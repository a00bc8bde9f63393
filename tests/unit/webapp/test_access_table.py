"""Every page and every socket message, tried by everyone who might: the table of who may what.

What is in neither table fails, so that nothing is added without somebody saying whom it is for.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from webapp.models.base import now
from webapp.models.people import SIGN_IN_LIFE, Role, sign_ins_of
from webapp.models.workshops import Workshop
from webapp.sockets import wire
from webapp.sockets.wire import Field, Kind, Sender
from webapp.workshops.deeds import WORDS
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.teaching import assist, end_sign_ins, person_called, remove_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from werkzeug.wrappers import Response

    from tests.unit.webapp.conftest import Browser
    from webapp.wiring import Wiring

# Blueprints: ways in, whether the server is well, and what the network lets through.
ANYBODY = {"join", "certificates", "health", "network"}
LEARNERS = {"lesson", "container", "keepsakes", "preview", "recordings"}
OWNERS = {"people"}
INSTRUCTORS = {"images", "server", "audit"}
LEADERS = {"assistants"}
# Pages of these rooms: before one is signed in; and what an assistant may, too.
ACCOUNT_ANYBODY = {"show_welcome", "welcome", "show_sign_in", "sign_in", "sign_out"}
HELPERS = {
    "show_list",
    "show_one",
    "show_code",
    "show_learner",
    "lower_hand",
    "note_privately",
    "try_it",
    "hand_out_link",
    "show_results",
    "download_csv",
    "download_json",
}
# No pages: files, and websockets (tests/integration/test_terminal_opening.py).
ELSEWHERE = {"static", "terminal.open_terminal", "trial.open_trial"}
STEP = "00-your-terminal/01-a-prompt"
TAUGHT = {"ben", "chi", "dan", "late"}
TEACH = {"ada", "mallory", "olga"}
HELP = {"tess", "tim"}
STAFF = TEACH | HELP
# Their sign-ins aren't used for too long, ended, or their accounts removed; they were owners.
GONE = {"idle", "ended", "removed"}
PEOPLE = ("nobody", *sorted(TAUGHT | STAFF | GONE))


class School:
    """Ben and chi learn with ada, dan with mallory, late in a workshop of ada's that is over.

    Tess helps ada, tim helps mallory; olga is the owner.
    """

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
        assist(parts.database, workshop, "tess")
        assist(parts.database, theirs, "tim")
        with parts.database.read() as session:
            ada = person_called(session, "ada")
        assert ada
        self.ada = ada
        self._part(parts)

    def _part(self, parts: Wiring) -> None:
        """What becomes of sign-ins that were good."""
        with parts.database.write() as session:
            idle, ended = (person_called(session, name) for name in ("idle", "ended"))
            assert idle
            assert ended
            for sign_in in sign_ins_of(session, idle.id):
                sign_in.seen_at = now() - SIGN_IN_LIFE - timedelta(minutes=1)
        end_sign_ins(parts.database, ended.id)
        remove_person(parts.database, "removed")

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
            "person_id": self.ada.public_id,
            "browser_id": "1",
        }
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], rule)


@pytest.fixture
def school(
    parts: Wiring,
    workshop: Workshop,
    ada: Browser,
    mallory: Browser,
    open_browser: Callable[[], Browser],
    sign_in: Callable[[str, str], Browser],
) -> School:
    parts.labs.refresh()  # who has which is known
    taught = {name: open_browser() for name in ("nobody", *TAUGHT)}
    helping = {name: sign_in(name, Role.ASSISTANT) for name in HELP}
    owning = {name: sign_in(name, Role.OWNER) for name in ("olga", *GONE)}
    staff = {"ada": ada, "mallory": mallory, **helping, **owning}
    return School(parts, workshop, {**taught, **staff})


def pages(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, rule and method of all there is."""
    for rule in sorted(app.url_map.iter_rules(), key=str):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint not in ELSEWHERE:
                yield rule.endpoint, rule.rule, method


def allowed(endpoint: str, rule: str) -> set[str]:
    """Who may: by the table above; what is about one workshop is for who leads or helps in it."""
    room, _, page = endpoint.partition(".")
    if room in ANYBODY or (room == "account" and page in ACCOUNT_ANYBODY):
        return set(PEOPLE)
    if room in LEARNERS:
        return TAUGHT
    if room == "account":
        return STAFF
    if room in OWNERS:
        return {"olga"}
    if room in INSTRUCTORS:
        return TEACH
    assert room in {"workshops", "pace", "results", *LEADERS}, (
        f"{endpoint} is in no row of the table of who may what"
    )
    helps = {"tess"} if page in HELPERS and room not in LEADERS else set()
    if "<public_id>" in rule:
        return {"ada", "olga"} | helps
    return TEACH | HELP if helps else TEACH


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
        names = allowed(endpoint, rule)
        names = names if names != set(PEOPLE) else set()
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


NAMESPACES = {"/lesson": TAUGHT, "/wall": STAFF, "/images": TEACH, "/terminal": TAUGHT | STAFF}
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
        ("tim", "/wall", {"not-yours"}),
        ("late", "/terminal", {"lab-unknown"}),
        ("mallory", "/terminal", {"lab-unknown"}),
        ("tim", "/terminal", {"lab-unknown"}),
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


LOOKS = {"watch", "look", "follow", "outcome"}


def test_every_form_and_every_word_to_a_class_has_its_words_in_the_log(app: Flask) -> None:
    """What is looked at is none, but a learner's terminal: sockets/terminal.py writes that down."""
    staff = {"account", "workshops", "pace", "results", *OWNERS, *INSTRUCTORS, *LEADERS}
    sent = {
        endpoint
        for endpoint, _, method in pages(app)
        if method == "POST" and endpoint.partition(".")[0] in staff
    }
    said = {f"wall.{each.name}" for each in SAID if each.namespace == "/wall"}
    assert sent | said - {f"wall.{name}" for name in LOOKS} <= set(WORDS)
