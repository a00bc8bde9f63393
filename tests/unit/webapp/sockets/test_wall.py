"""The instructor's page, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from webapp.models.events import record
from webapp.workshops.ending import end_workshop
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def wall(app: Flask, parts: Wiring, browser: Browser) -> SocketIOTestClient:
    return parts.socketio.test_client(app, namespace="/wall", flask_test_client=browser.client)


def watch(socket: SocketIOTestClient, public_id: object) -> dict[str, Any]:
    answer = socket.emit("watch", {"workshop": public_id}, namespace="/wall", callback=True)
    assert answer is not None
    return dict(answer)


def rows(socket: SocketIOTestClient) -> list[dict[str, Any]]:
    received = socket.get_received("/wall")
    return [each["args"][0] for each in received if each["name"] == "learner"]


def test_each_check_of_a_learner_reaches_the_wall_at_once(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    socket = wall(app, parts, ada)
    answer = watch(socket, workshop.public_id)
    assert [row["name"] for row in answer["learners"]] == ["otter"]
    assert answer["learners"][0]["step"] is None
    step = parts.library.lessons["00-your-terminal"].steps[1]
    with parts.database.write() as session:
        record(session, learner.id, "opened", step.id)
        record(session, learner.id, "checked", step.id, passed=False, broke=False, title="A file")
    parts.news.tell("progress", learner.id)
    (row,) = rows(socket)
    assert (row["lesson"], row["step"]) == ("Your terminal", 2)
    assert (row["last"]["title"], row["last"]["passed"]) == ("A file", False)


def test_who_comes_and_goes_is_seen_and_a_second_tab_changes_nothing(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    for arrives in (True, True, False, False):
        change = parts.presence.arrive if arrives else parts.presence.leave
        change(learner.id)
    assert [row["present"] for row in rows(socket)] == [True, True, True, False]


def test_the_end_of_the_workshop_reaches_the_wall(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    join(parts.database, workshop.code, "otter", "a")
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    end_workshop(parts.database, parts.labs, parts.news, workshop.id)
    clocks = [each["args"][0] for each in socket.get_received("/wall") if each["name"] == "clock"]
    assert clocks[-1]["ended"] is True


def test_another_instructor_watches_nothing(
    app: Flask, parts: Wiring, mallory: Browser, workshop: Workshop
) -> None:
    socket = wall(app, parts, mallory)
    assert watch(socket, workshop.public_id)["problem"]["code"] == "not-yours"
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.news.tell("progress", learner.id)
    assert rows(socket) == []


def test_a_learner_has_no_wall(app: Flask, parts: Wiring, ben: Browser, workshop: Workshop) -> None:
    ben.join(workshop.code, "ben")
    assert not wall(app, parts, ben).is_connected("/wall")


@pytest.mark.parametrize("wanted", [None, 7, "x" * 5000, "nobody's"])
def test_a_malformed_message_is_refused_and_the_connection_lives(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop, wanted: object
) -> None:
    socket = wall(app, parts, ada)
    assert "problem" in watch(socket, wanted)
    assert watch(socket, workshop.public_id)["learners"] == []
