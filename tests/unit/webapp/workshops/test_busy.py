"""A lab at full CPU that nobody types in is marked, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.workshops.test_idle import Keys, class_of, come, lab_of
from webapp.workshops.busy import LOOK_S, Busy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

BEGAN = 1_800_000_000.0
MINUTES = 30


class Class:
    """Learners whose labs spend what a test says, look by look."""

    def __init__(self, parts: Wiring, engine: MemoryEngine) -> None:
        self.parts, self.engine = parts, engine
        self.workshop = class_of(parts, 5)
        self.keys = Keys()
        self.busy = Busy(engine, self.keys, parts.labs, parts.news, minutes=MINUTES)
        self.moment = BEGAN

    def come(self, *names: str) -> list[LearnerId]:
        return [come(self.parts, self.workshop, name) for name in names]

    def go_on(self, looks: int, cores: Mapping[LearnerId, float] | None = None) -> None:
        """So many looks, before each of which these learners' labs have used so many cores."""
        for _ in range(looks):
            self.moment += LOOK_S
            for learner, used in (cores or {}).items():
                lab = lab_of(self.parts, learner)
                self.engine.spent[lab] = self.engine.spent.get(lab, 0.0) + used * LOOK_S
            self.busy.look(self.moment)


@pytest.fixture
def room(parts: Wiring, engine: MemoryEngine) -> Class:
    return Class(parts, engine)


def test_half_an_hour_at_full_cpu_without_a_key_is_marked_and_told(room: Class) -> None:
    otter, heron = room.come("otter", "heron")
    heard: list[Item] = []
    room.go_on(1)
    room.parts.news.listen(heard.append)
    room.go_on(MINUTES - 1, {otter: 0.95})
    assert room.busy.minutes_of(otter) is None
    assert heard == []
    room.go_on(2, {otter: 0.95})
    assert (room.busy.minutes_of(otter), room.busy.minutes_of(heron)) == (MINUTES + 1, None)
    assert {(each.kind, each.learner_id) for each in heard} == {("busy", otter)}
    roster = replace(room.parts.roster, busy=room.busy)
    with room.parts.database.read() as session:
        rows = {row["name"]: row["busy_minutes"] for row in roster.rows(session, room.workshop)}
    assert rows == {"otter": MINUTES + 1, "heron": None}
    room.go_on(1)
    assert room.busy.minutes_of(otter) is None
    assert len(heard) == 3  # that it is over, too


def test_a_key_counts_the_time_anew(room: Class) -> None:
    (otter,) = room.come("otter")
    room.go_on(20, {otter: 1.0})
    room.keys.used(lab_of(room.parts, otter), input_at=room.moment)
    room.go_on(MINUTES - 1, {otter: 1.0})
    assert room.busy.minutes_of(otter) is None
    room.go_on(2, {otter: 1.0})
    assert room.busy.minutes_of(otter)


def test_what_works_now_and_then_or_a_little_is_not_marked(room: Class) -> None:
    (otter,) = room.come("otter")
    for _ in range(MINUTES):
        room.go_on(1, {otter: 1.0})
        room.go_on(1, {otter: 0.4})
    assert room.busy.minutes_of(otter) is None


def test_on_a_full_server_a_share_of_it_is_full_cpu(room: Class) -> None:
    learners = room.come("otter", "heron", "lynx", "stoat", "vole")
    room.go_on(MINUTES + 2, dict.fromkeys(learners, 0.38))
    assert [room.busy.minutes_of(each) for each in learners] == [MINUTES + 1] * 5
