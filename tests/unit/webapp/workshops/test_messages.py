"""What a class is told, by whom, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_for
from webapp.problems import Problem
from webapp.workshops.joining import join
from webapp.workshops.messages import Word

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

TOLD = Word("kill wants\x1b[31m a number", "uname -r")


@pytest.fixture
def otter(parts: Wiring, workshop: Workshop) -> Learner:
    return join(parts.database, workshop.code, "otter", "a")[0]


@pytest.fixture
def heron(parts: Wiring, workshop: Workshop) -> Learner:
    return join(parts.database, workshop.code, "heron", "b")[0]


def wall(app: Flask, parts: Wiring, browser: Browser, workshop: Workshop) -> SocketIOTestClient:
    socket = parts.socketio.test_client(app, namespace="/wall", flask_test_client=browser.client)
    socket.emit("watch", {"workshop": workshop.public_id}, namespace="/wall", callback=True)
    socket.get_received("/wall")
    return socket


def say(socket: SocketIOTestClient, **fields: object) -> dict[str, Any]:
    message = {"learners": "", "text": "", "command": "", **fields}
    return socket.emit("tell", message, namespace="/wall", callback=True) or {}


def test_a_class_is_told_and_each_keeps_it_until_they_close_it(
    parts: Wiring, workshop: Workshop, otter: Learner, heron: Learner
) -> None:
    assert parts.messages.tell(workshop, (), TOLD, "ada") == 2
    (told,) = parts.messages.open_for(otter.id)
    assert (told["by"], told["command"]) == ("ada", "uname -r")
    assert "\x1b" not in told["text"]
    parts.messages.close(otter.id, told["message"])
    assert parts.messages.open_for(otter.id) == []
    assert len(parts.messages.open_for(heron.id)) == 1


def test_a_command_keeps_its_spaces_and_loses_what_cannot_be_seen(
    parts: Wiring, workshop: Workshop, otter: Learner
) -> None:
    parts.messages.tell(workshop, (), Word("", "echo 'a  b'\u202e \u200b| wc -c "), "ada")
    (told,) = parts.messages.open_for(otter.id)
    assert told["command"] == "echo 'a  b' | wc -c"


def test_only_those_who_are_named_are_told(
    parts: Wiring, workshop: Workshop, otter: Learner, heron: Learner
) -> None:
    named = {heron.public_id, "somebody-else"}
    assert parts.messages.tell(workshop, named, Word("Look at step 4."), "ada") == 1
    assert parts.messages.open_for(otter.id) == []
    with pytest.raises(Problem, match="nothing to tell"):
        parts.messages.tell(workshop, (), Word(" \u200b"), "ada")


def test_the_wall_hears_who_closed_it_and_how_the_command_ended(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop, otter: Learner, heron: Learner
) -> None:
    socket = wall(app, parts, ada, workshop)
    assert say(socket, text="Try this.", command="uname -r") == {"count": 2}
    (told,) = parts.messages.open_for(otter.id)
    name = told["message"]
    parts.messages.ran(otter.id, name, 0)
    parts.messages.ran(heron.id, name, 100)
    parts.messages.ran(heron.id, "no such message", 0)
    parts.messages.close(otter.id, name)
    with pytest.raises(Problem):
        parts.activity.look()  # its turn tells the wall; no pump is here
    received = socket.get_received("/wall")
    sent = [each["args"][0]["messages"] for each in received if each["name"] == "sent"]
    assert [len(each) for each in sent] == [1, 1]
    last = sent[-1][0]
    assert [last[each] for each in ("to", "read", "done", "failed", "ran")] == [2, 1, 1, 1, 2]


@pytest.mark.usefixtures("heron")
def test_a_file_is_put_into_each_lab_and_each_result_is_listed(
    app: Flask,
    parts: Wiring,
    engine: MemoryEngine,
    ada: Browser,
    workshop: Workshop,
    otter: Learner,
) -> None:
    lab = parts.labs.give(otter, workshop)
    socket = wall(app, parts, ada, workshop)
    handed = {"file_name": "../.notes.txt", "file": b"hello"}
    assert say(socket, **handed, minutes=5) == {"count": 2}
    (told,) = parts.messages.open_for(otter.id)
    assert told["file"] == "notes.txt"
    assert 290 <= told["until"] - told["at"] <= 301

    def results() -> list[tuple[str, bool, int | None]]:
        asked = {"message": told["message"]}
        answer = socket.emit("outcome", asked, namespace="/wall", callback=True) or {}
        return sorted((each["name"], each["ran"], each["code"]) for each in answer["learners"])

    wait_for(lambda: ("otter", True, 0) in results(), "the file in otter's lab", deadline_s=30)
    assert ("heron", False, None) in results()
    assert engine.told == [("put", lab["lab"], told["file"], "hello")]


def test_a_file_that_does_not_fit_is_told_as_failed(
    parts: Wiring, workshop: Workshop, otter: Learner
) -> None:
    parts.labs.give(otter, workshop)
    parts.messages.tell(workshop, (), Word(file_name="no room", file=b"x"), "ada")

    def codes() -> list[int | None]:
        with parts.database.read() as session:
            return [
                code
                for sent in parts.classes.of(session, workshop).sent.values()
                for code in sent.codes.values()
            ]

    wait_for(lambda: codes() == [1], "the word that it failed", deadline_s=30)


def test_nobody_but_its_own_instructor_tells_a_class_anything(
    app: Flask, parts: Wiring, mallory: Browser, workshop: Workshop, otter: Learner
) -> None:
    socket = wall(app, parts, mallory, workshop)
    assert say(socket, text="Give me your PIN")["problem"]["code"] == "not-yours"
    assert parts.messages.open_for(otter.id) == []
