from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from webapp.models.base import now
from webapp.models.events import record
from webapp.models.people import learners_of
from webapp.models.workshops import Workshop
from webapp.workshops.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.people import Learner
    from webapp.wiring import Wiring


class PumpInMemory:
    """Notes which terminals it was asked to record; the real one writes in integration tests."""

    def __init__(self) -> None:
        self.terminals: dict[str, bool] = {}

    def activity(self) -> list[dict[str, Any]]:
        return [
            {"terminal": name, "recorded": recorded} for name, recorded in self.terminals.items()
        ]

    def record(self, terminal: str, fd: int, began_at: float) -> None:
        os.write(fd, json.dumps([began_at * 0 + 5.0, "o", terminal]).encode() + b"\n")
        self.terminals[terminal] = True


@pytest.fixture
def pump() -> PumpInMemory:
    return PumpInMemory()


@pytest.fixture
def recordings(parts: Wiring, tmp_path: Path, pump: PumpInMemory) -> Recordings:
    return Recordings(tmp_path / "recordings", parts.database, parts.labs, pump)


@pytest.fixture
def ben_records(
    ben: Browser, workshop: Workshop, parts: Wiring, pump: PumpInMemory, engine: MemoryEngine
) -> Callable[[str], tuple[Workshop, Learner]]:
    """Ben has a lab in a workshop that records as asked."""

    def ready(recording: str) -> tuple[Workshop, Learner]:
        ben.join(workshop.code, "ben")
        with parts.database.write() as session:
            mine = session.get_one(Workshop, workshop.id)
            mine.recording = recording
            learner = learners_of(session, mine.id)[0]
        parts.labs.give(learner, mine)
        pump.terminals[f"{engine.labs[learner.lab_key]['lab']}.1"] = False
        return mine, learner

    return ready


def test_nobody_is_recorded_unless_the_workshop_says_so(
    ben_records: Callable[[str], tuple[Workshop, Learner]],
    recordings: Recordings,
    pump: PumpInMemory,
) -> None:
    workshop, learner = ben_records("off")
    recordings.look()
    assert list(pump.terminals.values()) == [False]
    assert recordings.of(workshop, learner) == []


def test_a_recording_is_marked_with_what_the_learner_did(
    ben_records: Callable[[str], tuple[Workshop, Learner]], recordings: Recordings, parts: Wiring
) -> None:
    workshop, learner = ben_records("on")
    recordings.look()
    with parts.database.write() as session:
        record(session, learner.id, "checked", "02-what/03-processes", passed=True, title="One")
    (found,) = recordings.of(workshop, learner)
    lines = recordings.read(workshop, learner, found.name)
    assert lines
    header, *events = [json.loads(line) for line in lines]
    assert header["version"] == 2
    assert [event[1:] for event in events if event[1] == "m"][-1] == [
        "m",
        "check passed 03-processes",
    ]
    assert events[-1][1] == "o"
    with parts.database.write() as session:
        later = record(session, learner.id, "checked", "02-what/04-last", passed=False)
        later.at = now() + timedelta(minutes=1)
    more = recordings.read(workshop, learner, found.name)
    assert more
    assert json.loads(list(more)[-1])[1:] == ["m", "check not yet 04-last"]
    assert recordings.read(workshop, learner, "../../../key") is None
    assert recordings.read(workshop, learner, "00000000-1.cast") is None


@pytest.mark.parametrize(("recording", "left"), [("on", 0), ("kept", 1)])
def test_recordings_go_with_their_workshop_unless_they_are_kept(
    ben_records: Callable[[str], tuple[Workshop, Learner]],
    recordings: Recordings,
    parts: Wiring,
    recording: str,
    left: int,
) -> None:
    workshop, learner = ben_records(recording)
    recordings.look()
    recordings.clear()
    assert len(recordings.of(workshop, learner)) == 1
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).ended_at = now()
    recordings.clear()
    assert len(recordings.of(workshop, learner)) == left
