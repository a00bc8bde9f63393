"""The instructor's page, live."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from webapp.models import workshops
from webapp.models.base import now
from webapp.models.events import record
from webapp.models.people import Learner, Role
from webapp.problems import Problem
from webapp.workshops.ending import end_workshop
from webapp.workshops.joining import join
from webapp.workshops.teaching import assist, assist_no_more, end_sign_ins

if TYPE_CHECKING:
    from collections.abc import Callable

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
    assert [row["present"] for row in rows(socket)] == [True, False]


def test_a_limit_that_was_met_is_kept_and_reaches_the_wall(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    parts.news.tell("limit", learner.id, limit="memory", sentence="python3 was ended.")
    parts.news.tell("limit", learner.id, limit="internet", sentence="The internet is off.")
    assert [(row["state"], row["text"]) for row in rows(socket)] == [
        ("limit", "Reached the memory limit")
    ]
    again = watch(wall(app, parts, ada), workshop.public_id)
    assert again["learners"][0]["state"] == "limit"


def test_what_time_alone_changes_reaches_the_wall_and_nothing_twice(
    app: Flask,
    parts: Wiring,
    ada: Browser,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    with parts.database.write() as session:
        session.get_one(Learner, learner.id).admitted_at = learner.joined_at
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    with pytest.raises(Problem):
        parts.activity.look()  # no pump is here; the wall looks nevertheless
    assert rows(socket) == []
    monkeypatch.setattr(workshops, "now", lambda: now() + timedelta(minutes=4))
    for _ in range(2):
        with pytest.raises(Problem):
            parts.activity.look()
    assert [row["state"] for row in rows(socket)] == ["away"]


@pytest.mark.parametrize("is_signed_out", [True, False])
def test_a_wall_closes_for_whom_it_is_no_longer(
    app: Flask,
    parts: Wiring,
    workshop: Workshop,
    sign_in: Callable[[str, str], Browser],
    is_signed_out: bool,
) -> None:
    tess = sign_in("tess", Role.ASSISTANT)
    person = assist(parts.database, workshop, "tess")
    socket = wall(app, parts, tess)
    watch(socket, workshop.public_id)
    with pytest.raises(Problem):
        parts.activity.look()  # no pump is here; the wall looks nevertheless
    assert socket.is_connected("/wall")
    if is_signed_out:
        end_sign_ins(parts.database, person.id)
    else:
        assist_no_more(parts.database, workshop, "tess")
    with pytest.raises(Problem):
        parts.activity.look()
    assert not socket.is_connected("/wall")


def test_a_second_instructor_takes_no_news_from_the_first(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    step = parts.library.lessons["00-your-terminal"].steps[0]
    with parts.database.write() as session:
        record(session, learner.id, "opened", step.id)  # and nobody has told yet
    watch(wall(app, parts, ada), workshop.public_id)
    assert [row["step"] for row in rows(socket)] == [1]


def screens(socket: SocketIOTestClient) -> list[dict[str, Any]]:
    received = socket.get_received("/wall")
    return [each["args"][0] for each in received if each["name"] == "screen"]


def test_pictures_go_to_who_looks_and_only_what_changed(
    app: Flask,
    parts: Wiring,
    ada: Browser,
    mallory: Browser,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    name = f"{parts.labs.give(learner, workshop)['lab']}.1"
    printed = b"learner$ "
    used = {"terminal": name, "last_input_at": 0.0, "last_output_at": 1.0}

    def glimpse(
        terminal: str, *, after: int | None = None, epoch: int | None = None
    ) -> dict[str, Any]:
        assert (terminal, epoch) in {(name, None), (name, 1)}
        seq = after or 0
        told = {"epoch": 1, "seq": seq, "rows": 24, "cols": 80, "preamble": b""}
        return {**told, "output": printed[seq:]}

    monkeypatch.setattr(parts.pumps, "activity", lambda: [used])
    monkeypatch.setattr(parts.pumps, "glimpse", glimpse)
    parts.activity.look()
    ours, others = wall(app, parts, ada), wall(app, parts, mallory)
    watch(ours, workshop.public_id)
    for socket in (ours, others):  # the second watches nothing that otter is in
        socket.emit("look", {"learners": learner.public_id}, namespace="/wall")
    parts.screens.turn()
    parts.screens.turn()
    (first,) = screens(ours)
    assert (first["learner"], first["whole"]) == (learner.public_id, True)
    assert first["lines"] == {"0": [[0, "learner$", None, None]]}
    printed += b"ls\r\n"
    parts.screens.turn()
    (second,) = screens(ours)
    assert (second["whole"], list(second["lines"])) == (False, ["0"])
    assert screens(others) == []
    ours.emit("look", {"learners": ""}, namespace="/wall")
    printed += b"more"
    parts.screens.turn()
    assert screens(ours) == []


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


def test_a_learner_whose_data_is_deleted_leaves_a_wall_that_is_open(
    app: Flask, parts: Wiring, ada: Browser, workshop: Workshop
) -> None:
    otter, _ = join(parts.database, workshop.code, "otter", "a")
    heron, _ = join(parts.database, workshop.code, "heron", "b")
    socket = wall(app, parts, ada)
    watch(socket, workshop.public_id)
    page = f"/workshops/{workshop.public_id}/learners/{otter.public_id}"
    assert ada.post(f"{page}/forget").status_code == 302
    for _ in range(2):
        with pytest.raises(Problem):
            parts.activity.look()  # no pump is here; the wall looks nevertheless
    received = [each for each in socket.get_received("/wall") if each["name"] == "gone"]
    assert [each["args"] for each in received] == [[{"learner": otter.public_id}]]
    again = watch(wall(app, parts, ada), workshop.public_id)
    assert [row["learner"] for row in again["learners"]] == [heron.public_id]
