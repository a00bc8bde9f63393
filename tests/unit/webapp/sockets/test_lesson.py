"""The learner's page, told how they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.models.base import LearnerId
from webapp.sockets.lesson import LessonRoom
from webapp.workshops.news import Item

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from webapp.wiring import Wiring


def test_who_was_let_in_meanwhile_is_not_told_of_the_line_again(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = LessonRoom(parts.socketio, parts)
    told: list[dict[str, Any]] = []
    later: list[Callable[[], None]] = []

    def begin(task: Callable[..., None], who: LearnerId, *args: str, **facts: object) -> None:
        later.append(lambda: task(who, *args, **facts))

    monkeypatch.setattr(parts.socketio, "start_background_task", begin)
    monkeypatch.setattr(parts.socketio, "emit", lambda _name, fact, **_: told.append(fact))
    waits = {"state": "waiting", "place": 1, "sentence": "You are 1st in line."}
    learner_id = LearnerId(1)
    room._pages[learner_id] += 1
    room._settling[learner_id] = waits
    room.hear(Item("lab", learner_id))
    for task in later:
        task()
    assert [fact["state"] for fact in told] == ["waiting"]
    room.hear(Item("lab", learner_id))
    del room._settling[learner_id]  # the line has moved: that they are in was told last
    for task in later[1:]:
        task()
    assert [fact["state"] for fact in told] == ["waiting"]
