"""Locked steps, and a class that is brought to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from webapp.models.events import record
from webapp.models.people import learner_by_cookie
from webapp.models.workshops import workshop_by_public_id

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIOTestClient

    from tests.unit.webapp.conftest import Browser
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

FIRST, SECOND, LAST = (
    "00-your-terminal/01-a-prompt",
    "00-your-terminal/02-stop-and-get-out",
    "00-your-terminal/04-yours-only",
)
OTHER = "02-what-is-a-container/02-files-of-its-own"


@pytest.fixture
def page(ben: Browser, workshop: Workshop) -> str:
    """The workshop's page; ben has joined."""
    ben.join(workshop.code, "ben")
    return f"/workshops/{workshop.public_id}"


def lesson_of(app: Flask, parts: Wiring, browser: Browser) -> SocketIOTestClient:
    return parts.socketio.test_client(app, namespace="/lesson", flask_test_client=browser.client)


def facts(socket: SocketIOTestClient, name: str) -> list[dict[str, Any]]:
    return [each["args"][0] for each in socket.get_received("/lesson") if each["name"] == name]


def say(socket: SocketIOTestClient, name: str, step: str) -> dict[str, Any]:
    return dict(socket.emit(name, {"step": step}, namespace="/lesson", callback=True) or {})


def learner_at(parts: Wiring, browser: Browser) -> Learner:
    cookie = browser.client.get_cookie("slipway_learner")
    assert cookie
    with parts.database.read() as session:
        found = learner_by_cookie(session, cookie.value)
    assert found
    return found


def test_a_locked_step_opens_neither_as_a_page_nor_for_a_message(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    socket = lesson_of(app, parts, ben)
    assert ada.post(f"{page}/steps", {"do": "lock", "step": FIRST}).location == page
    (told,) = facts(socket, "pace")
    assert FIRST not in told["locked"]
    assert {SECOND, OTHER} <= set(told["locked"])
    for step in (SECOND, OTHER):
        assert ben.get(f"/lab/{step}").location == f"/lab/{FIRST}"
        for name in ("open", "check", "skip", "reset"):
            assert say(socket, name, step)["problem"]["code"] == "step-locked"
    opened = say(socket, "open", FIRST)
    assert opened["locked"] == told["locked"]
    assert 'aria-disabled="true"' in ben.get(f"/lab/{FIRST}").text


def test_the_next_step_or_all_are_unlocked(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    ada.post(f"{page}/steps", {"do": "lock", "step": FIRST})
    assert f'value="{SECOND}"' in ada.get(page).text
    socket = lesson_of(app, parts, ben)
    ada.post(f"{page}/steps", {"do": "lock", "step": SECOND})
    assert ben.get(f"/lab/{SECOND}").status_code == 200
    assert ben.get(f"/lab/{LAST}").location == f"/lab/{SECOND}"
    ada.post(f"{page}/steps", {"do": "unlock"})
    assert [told["locked"] for told in facts(socket, "pace")][-1] == []
    assert ben.get(f"/lab/{LAST}").status_code == 200


def test_an_instructor_who_tries_the_workshop_is_held_up_by_no_lock(
    ada: Browser, page: str
) -> None:
    ada.post(f"{page}/steps", {"do": "lock", "step": FIRST})
    ada.post(f"{page}/try")
    assert ada.get(f"/lab/{LAST}").status_code == 200


def test_everyone_is_brought_to_a_step_and_goes_on_from_there(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    socket = lesson_of(app, parts, ben)
    say(socket, "open", FIRST)
    ada.post(f"{page}/steps", {"do": "lock", "step": FIRST})
    assert ada.post(f"{page}/steps", {"do": "bring", "step": OTHER}).location == page
    assert facts(socket, "brought") == [{"step": OTHER, "by": "ada"}]
    assert ben.get("/lab").location == f"/lab/{OTHER}"
    assert "has brought you to this step" in ben.get(f"/lab/{OTHER}").text
    with parts.database.read() as session:
        found = workshop_by_public_id(session, page.rpartition("/")[2])
        assert found
        standing = parts.classes.of(session, found).of[learner_at(parts, ben).id]
    assert found.open_to == OTHER
    assert standing.seen == OTHER
    assert standing.steps[SECOND].is_skipped
    assert not standing.steps[OTHER].is_skipped


def test_what_was_passed_stays_passed_when_the_class_is_brought_further(
    parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    with parts.database.write() as session:
        record(session, learner_at(parts, ben).id, "checked", FIRST, passed=True, title="x")
    ada.post(f"{page}/steps", {"do": "bring", "step": LAST})
    text = ben.get(f"/lab/{FIRST}").text
    assert "has brought you" not in text
    assert "A prompt, done" in text
    assert "Stop and get out, skipped" in text


@pytest.mark.parametrize("do", ["lock", "bring"])
def test_a_step_of_another_workshop_is_refused(ada: Browser, page: str, do: str) -> None:
    wrong = {"do": do, "step": "05-limits/01-read"}
    assert ada.post(f"{page}/steps", wrong).status_code == 422
    assert ada.post(f"{page}/steps", {"do": "dance"}).status_code == 404


def test_a_page_that_was_away_when_the_class_was_brought_is_told_once_it_is_back(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    socket = lesson_of(app, parts, ben)
    assert say(socket, "open", FIRST)["brought"] is None
    socket.disconnect("/lesson")
    ada.post(f"{page}/steps", {"do": "bring", "step": LAST})
    socket = lesson_of(app, parts, ben)
    assert say(socket, "open", FIRST)["brought"] == LAST
    assert [say(socket, "open", step)["brought"] for step in (LAST, FIRST)] == [None, None]


def test_a_page_that_comes_back_is_not_led_to_a_step_that_is_locked_again(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    socket = lesson_of(app, parts, ben)
    say(socket, "open", FIRST)
    socket.disconnect("/lesson")
    for do, step in (("bring", LAST), ("lock", FIRST)):
        ada.post(f"{page}/steps", {"do": do, "step": step})
    socket = lesson_of(app, parts, ben)
    assert say(socket, "open", FIRST)["brought"] is None


def test_whoever_is_at_the_step_already_is_led_nowhere_when_they_look_back(
    app: Flask, parts: Wiring, ada: Browser, ben: Browser, page: str
) -> None:
    socket = lesson_of(app, parts, ben)
    say(socket, "open", LAST)
    ada.post(f"{page}/steps", {"do": "bring", "step": LAST})
    assert say(socket, "open", FIRST)["brought"] is None


def test_the_class_page_says_where_newcomers_begin_and_lets_them_begin_at_the_start(
    ada: Browser, page: str
) -> None:
    ada.post(f"{page}/steps", {"do": "bring", "step": LAST})
    assert "Who joins now begins at" in ada.get(page).text
    assert ada.post(f"{page}/steps", {"do": "start"}).location == page
    assert "Who joins now begins at" not in ada.get(page).text
