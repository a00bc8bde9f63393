"""An unused lab gives way to who waits in line, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_for_threads
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.idle import GRACE_S, Idle
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

BEGAN = 1_800_000_000.0
MINUTES = 15
UNUSED = BEGAN + MINUTES * 60
OVER = UNUSED + GRACE_S


class Keys:
    """What the pump would say of terminals."""

    def __init__(self) -> None:
        self.terminals: list[dict[str, Any]] = []

    def activity(self) -> list[dict[str, Any]]:
        return self.terminals

    def used(self, lab: str, *, input_at: float = 0.0, output_at: float = 0.0) -> None:
        entry = {"terminal": f"{lab}.1", "last_input_at": input_at, "last_output_at": output_at}
        self.terminals.append(entry)


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def idle(parts: Wiring, engine: MemoryEngine, keys: Keys) -> Idle:
    return Idle(
        parts.database, engine, keys, parts.labs, parts.line, parts.presence, minutes=MINUTES
    )


def class_of(parts: Wiring, most: int) -> Workshop:
    plan = Plan(("00-your-terminal",), max_learners=most)
    return open_workshop(parts.database, parts.library, plan)


def come(parts: Wiring, workshop: Workshop, name: str) -> LearnerId:
    """Join, and look at the page."""
    learner, _ = join(parts.database, workshop.code, name, f"a-{name}")
    parts.presence.arrive(learner.id)
    parts.line.place_of(learner.id)
    return learner.id


def lab_of(parts: Wiring, learner: LearnerId) -> str:
    lab = parts.labs.of(learner)
    assert lab
    return str(lab["lab"])


def look(idle: Idle, *moments: float) -> None:
    for moment in moments:
        idle.look(moment)
        wait_for_threads("line")  # which moves where a lab has ended


def test_nobody_loses_an_unused_lab_while_nobody_waits(
    parts: Wiring, engine: MemoryEngine, idle: Idle
) -> None:
    otter = come(parts, class_of(parts, 2), "otter")
    look(idle, BEGAN, UNUSED, OVER, OVER + 86400)
    assert parts.labs.of(otter)
    assert engine.warned == []


def test_an_unused_lab_is_warned_and_gives_way_to_who_waits(
    parts: Wiring, engine: MemoryEngine, idle: Idle
) -> None:
    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    lab = lab_of(parts, otter)
    look(idle, BEGAN)
    heron = come(parts, workshop, "heron")
    heard: list[Item] = []
    parts.news.listen(heard.append)
    look(idle, UNUSED - 1)
    assert engine.warned == []
    look(idle, UNUSED, OVER - 1)
    assert engine.warned == [(lab, MINUTES * 60, round(GRACE_S))]
    assert parts.labs.of(otter)
    look(idle, OVER)
    assert parts.labs.of(otter) is None
    assert parts.labs.of(heron)
    (told,) = [item.facts["sentence"] for item in heard if item.facts.get("reason") == "idle"]
    assert "somebody waited for its place" in told


def test_who_gave_way_comes_back_at_the_end_of_the_line(parts: Wiring, idle: Idle) -> None:
    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    look(idle, BEGAN)
    heron, lynx = (come(parts, workshop, name) for name in ("heron", "lynx"))
    look(idle, UNUSED, OVER)
    assert parts.line.place_of(lynx).place == 1
    assert parts.line.place_of(otter).place == 2
    parts.labs.remove(heron)
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).max_learners = 2
    parts.line.move()
    wait_for_threads("line")
    assert parts.labs.of(lynx)
    assert parts.labs.of(otter) is None


@pytest.mark.parametrize("sign", ["key", "output", "work"])
def test_any_sign_of_use_keeps_a_lab_even_after_the_warning(
    parts: Wiring, engine: MemoryEngine, keys: Keys, idle: Idle, sign: str
) -> None:
    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    lab = lab_of(parts, otter)
    look(idle, BEGAN)
    come(parts, workshop, "heron")
    look(idle, UNUSED)
    assert len(engine.warned) == 1
    if sign == "key":
        keys.used(lab, input_at=UNUSED + 5)
    elif sign == "output":
        keys.used(lab, output_at=UNUSED + 5)
    else:
        engine.spent[lab] = 0.5
    look(idle, UNUSED + 15, OVER, OVER + 60)
    assert parts.labs.of(otter)
    assert len(engine.warned) == 1


def test_a_shell_that_only_waits_is_no_work(
    parts: Wiring, engine: MemoryEngine, idle: Idle
) -> None:
    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    lab = lab_of(parts, otter)
    come(parts, workshop, "heron")
    look(idle, BEGAN)
    engine.spent[lab] = 0.05
    look(idle, UNUSED)
    assert len(engine.warned) == 1


def test_who_left_the_line_ends_nobodys_lab(parts: Wiring, idle: Idle) -> None:
    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    look(idle, BEGAN)
    heron = come(parts, workshop, "heron")
    look(idle, UNUSED)
    parts.presence.leave(heron)
    look(idle, OVER, OVER + 600)
    assert parts.labs.of(otter)


def test_the_line_of_one_workshop_ends_no_lab_of_another(parts: Wiring, idle: Idle) -> None:
    otter = come(parts, class_of(parts, 5), "otter")
    look(idle, BEGAN)
    full = class_of(parts, 1)
    heron, lynx = come(parts, full, "heron"), come(parts, full, "lynx")
    look(idle, UNUSED, OVER)
    assert parts.labs.of(otter)
    assert parts.labs.of(heron)
    assert parts.labs.of(lynx) is None


def test_a_full_server_takes_the_one_that_is_unused_longest_of_all(
    parts: Wiring, engine: MemoryEngine, keys: Keys, idle: Idle
) -> None:
    engine.room = 2
    otter = come(parts, class_of(parts, 5), "otter")
    workshop = class_of(parts, 5)
    heron = come(parts, workshop, "heron")
    look(idle, BEGAN)
    keys.used(lab_of(parts, otter), input_at=BEGAN + 30)
    lynx = come(parts, workshop, "lynx")
    look(idle, UNUSED + 60, OVER + 60)
    assert parts.labs.of(heron) is None
    assert parts.labs.of(otter)
    assert parts.labs.of(lynx)


def test_a_runtime_that_is_away_ends_nothing_and_keeps_the_place(
    parts: Wiring, engine: MemoryEngine, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_lab: str) -> None:
        raise Problem("runtime-away", "The runtime is away.", "It comes back by itself.")

    workshop = class_of(parts, 1)
    otter = come(parts, workshop, "otter")
    look(idle, BEGAN)
    heron = come(parts, workshop, "heron")
    look(idle, UNUSED)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "lab_remove", away)
        with pytest.raises(Problem):
            look(idle, OVER)
    assert parts.line.place_of(otter).state == "ready"
    assert parts.line.place_of(heron).state == "waiting"
