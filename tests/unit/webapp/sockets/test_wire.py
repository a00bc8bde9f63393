"""The only table of socket events, and the check in front of every handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_for
from webapp.problems import Problem
from webapp.sockets import wire
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

STEP = "00-your-terminal/01-a-prompt"
ANSWER = {"step": STEP, "question": "q", "value": 1}


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("check", ({"step": STEP},)),
        ("answer", (ANSWER,)),
        ("answer", ({**ANSWER, "value": "41"},)),
        ("terminal", ({"do": "open"},)),
        ("terminal", ({"do": "close", "name": "2"},)),
        ("terminal", ({"do": "call", "name": "2", "called": "logs"},)),
        ("processes", ()),
        ("processes", ({},)),
        ("boot", ({"how": "cold", "rows": 24, "cols": 80},)),
        ("halt", ({"force": False},)),
        ("work", ({"work": "compress"},)),
        ("more", ({"kind": "machine"},)),
        ("plan", ()),
    ],
)
def test_a_message_of_the_table_is_read(name: str, args: tuple[object, ...]) -> None:
    fields = wire.read("/lesson", name, args)
    assert not args or args[0].items() <= fields.items()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("destroy", ({},), "message-unknown"),
        ("lab", ({},), "message-unknown"),  # a fact: only the server says it
        ("check", (), "message-malformed"),
        ("check", ("step",), "message-malformed"),
        ("check", ({"step": 7},), "message-malformed"),
        ("check", ({"step": STEP, "more": 1},), "message-malformed"),
        ("check", ({"step": STEP}, {}), "message-malformed"),
        ("check", ({"step": "x" * 201},), "message-malformed"),
        ("check", ({"step": "x" * 2000},), "message-too-large"),
        ("check", ({"step": b"x" * 2000},), "message-too-large"),
        ("answer", ({**ANSWER, "value": True},), "message-malformed"),
        ("answer", ({**ANSWER, "value": -1},), "message-malformed"),
        ("answer", ({**ANSWER, "value": None},), "message-malformed"),
        ("answer", ({**ANSWER, "value": [1]},), "message-malformed"),
        ("terminal", ({"do": "burn"},), "message-malformed"),
        ("terminal", ({"do": "call", "name": "1", "called": "x" * 25},), "message-malformed"),
        ("boot", ({"how": "warm", "rows": 24, "cols": 80},), "message-malformed"),
        ("boot", ({"how": "cold", "rows": 24, "cols": 1001},), "message-malformed"),
        ("halt", ({"force": "yes"},), "message-malformed"),
        ("work", ({"work": "mine"},), "message-malformed"),
        ("more", ({"kind": "server"},), "message-malformed"),
        ("meter", (), "message-unknown"),  # a fact
    ],
)
def test_what_the_table_does_not_have_is_refused_by_name(
    name: str, args: tuple[object, ...], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        wire.read("/lesson", name, args)
    assert caught.value.code == code


def test_a_fact_that_the_table_does_not_have_is_never_sent() -> None:
    assert wire.fact("/terminal", "closed", terminal="a") == {"terminal": "a"}
    for name, fields in (("nonsense", {}), ("clock", {"till": 1}), ("clock", {"until": "now"})):
        with pytest.raises(ValueError, match=name):
            wire.fact("/lesson", name, **fields)


def test_every_event_has_its_row_once() -> None:
    names = [(each.namespace, each.name, each.sender) for each in wire.MESSAGES]
    assert len(names) == len(set(names))


@pytest.fixture
def socket(app: Flask, parts: Wiring, workshop: Workshop, ben: Browser) -> SocketIOTestClient:
    _, token = join(parts.database, workshop.code, "ben", "b")
    ben.client.set_cookie("slipway_learner", token)
    return parts.socketio.test_client(app, namespace="/lesson", flask_test_client=ben.client)


def ask(socket: SocketIOTestClient, name: str, *args: object) -> dict[str, Any]:
    return socket.emit(name, *args, namespace="/lesson", callback=True) or {}


@pytest.mark.parametrize(
    "message", [("nonsense", {}), ("check", {"step": 1}), ("check", "x" * 5000)]
)
def test_a_connection_lives_after_a_message_that_was_refused(
    message: tuple[str, object], socket: SocketIOTestClient
) -> None:
    answer = ask(socket, *message)
    assert answer["problem"]["code"].startswith("message-")
    problems = [each for each in socket.get_received("/lesson") if each["name"] == "problem"]
    assert problems[0]["args"][0]["event"] == message[0]
    assert ask(socket, "open", {"step": STEP})["progress"]["current"] == "01-a-prompt"


def test_a_step_of_another_workshop_is_refused(socket: SocketIOTestClient) -> None:
    for step in ("no-such-lesson/one", "00-your-terminal/no-such-step", "nonsense"):
        assert ask(socket, "check", {"step": step})["problem"]["code"] == "step-unknown"


def test_a_press_on_something_that_is_not_there_is_refused(socket: SocketIOTestClient) -> None:
    answer = ask(socket, "press", {"step": STEP, "name": "rm-rf"})
    assert answer["problem"]["code"] == "press-unknown"
    assert ask(socket, "press", {"step": STEP, "name": "hint-1"}) == {}


def test_a_terminal_that_is_not_there_gets_no_name(
    socket: SocketIOTestClient, parts: Wiring, engine: MemoryEngine
) -> None:
    wait_for(parts.labs.owners, "ben's lab")
    lab = next(iter(engine.labs.values()))
    lab["terminals"] = [{"terminal": f"{lab['lab']}.1"}]
    for name in ("9", "../1", "", None):
        answer = ask(socket, "terminal", {"do": "call", "name": name, "called": "logs"})
        assert answer["problem"]["code"] == "terminal-unknown"
    answer = ask(socket, "terminal", {"do": "call", "name": "1", "called": "logs"})
    assert answer == {"terminal": f"{lab['lab']}.1"}


def test_nobody_without_a_place_is_let_in(app: Flask, parts: Wiring, chi: Browser) -> None:
    client = parts.socketio.test_client(app, namespace="/lesson", flask_test_client=chi.client)
    assert not client.is_connected("/lesson")


def test_a_hand_is_raised_by_its_own_page_and_its_place_is_told(
    socket: SocketIOTestClient, parts: Wiring, workshop: Workshop
) -> None:
    chi, _ = join(parts.database, workshop.code, "chi", "c")
    parts.hands.raise_one(chi.id)
    assert ask(socket, "hand", {"up": True, "note": "kill?"}) == {"place": 2}
    parts.hands.lower(chi.id)
    told = [each["args"][0] for each in socket.get_received("/lesson") if each["name"] == "hand"]
    assert told == [{"place": 2}, {"place": 1}]
    assert ask(socket, "open", {"step": STEP})["hand"] == 1
    assert ask(socket, "hand", {"up": False, "note": None}) == {"place": 0}
