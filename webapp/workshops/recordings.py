"""Recordings of terminals, where a workshop wants them: who is recorded, and what is kept.

A file for each terminal, an asciicast (version 2) that the pump writes. What the learner did stands
in the database, and is put between the lines when the file is read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from webapp import background
from webapp.models.events import events_of
from webapp.models.people import learner_with_key
from webapp.models.workshops import running_workshops, workshop_by_public_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from webapp.models.database import Database
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs

log = structlog.get_logger()

LOOK_S = 2.0
KEPT = "kept"  # after the workshop's end
CHOICES = ("off", "on", KEPT)
SUFFIX = ".cast"
_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-z]{1,2}\.cast")
_MARKS = {"opened": "step", "checked": "check", "answered": "answer", "pressed": "press"}


class Scribe(Protocol):
    """Who writes down what terminals show: the pump."""

    def activity(self) -> list[dict[str, Any]]:
        """For each terminal its name, and whether it is `recorded`."""

    def record(self, terminal: str, fd: int, began_at: float) -> None:
        """Write what a terminal shows into an open file; times count from `began_at`."""


@dataclass(frozen=True)
class Recording:
    """One terminal's file.

    Attributes:
        name: of the file, and of its address.
        began_at: unix seconds.
    """

    name: str
    began_at: float
    size_bytes: int

    @property
    def terminal(self) -> str:
        """Which of the lab's terminals it was, as its tab said."""
        return self.name.removesuffix(SUFFIX).partition("-")[2]


class Recordings:
    """All recordings of this server.

    Args:
        path: the folder that holds a folder for each workshop, and there one for each learner.
    """

    def __init__(self, path: Path, database: Database, labs: Labs, pump: Scribe) -> None:
        self._path = path
        self._database = database
        self._labs = labs
        self._pump = pump

    def begin(self) -> None:
        """Sees to it for ever that who should be recorded is."""
        background.every(LOOK_S, "recordings", self._clear_and_look)

    def look(self) -> None:
        """Begins what isn't recorded yet: a new terminal, or all of them under a new pump.

        Raises:
            Problem: `pump-away`.
        """
        with self._database.read() as session:
            running = {each.id: each for each in running_workshops(session) if each.is_open}
            recorded = {each.id for each in running.values() if each.recording != "off"}
            if not recorded:
                return
            for entry in self._pump.activity():
                key = self._labs.key_of(entry["terminal"].partition(".")[0])
                if key is None or entry["recorded"]:
                    continue
                learner = learner_with_key(session, key)
                if learner and learner.workshop_id in recorded:
                    self._record(running[learner.workshop_id], learner, entry["terminal"])

    def of(self, workshop: Workshop, learner: Learner) -> list[Recording]:
        """A learner's recordings, the oldest first."""
        found = []
        for path in self._folder(workshop, learner).glob(f"*{SUFFIX}"):
            try:
                began_at = float(_header(path)["timestamp"])
                found.append(Recording(path.name, began_at, path.stat().st_size))
            except (OSError, ValueError, KeyError):
                log.warning("recording.unreadable", file=path.name)
        return sorted(found, key=lambda each: (each.began_at, each.name))

    def read(self, workshop: Workshop, learner: Learner, name: str) -> Iterator[str] | None:
        """The lines of one recording, with what the learner did marked; None: there is none."""
        path = self._folder(workshop, learner) / name
        if not _NAME.fullmatch(name) or not path.is_file():
            return None
        with self._database.read() as session:
            events = events_of(session, learner.id)
        began_at = float(_header(path)["timestamp"])
        marks = [
            (event.at.timestamp() - began_at, _label(event.type, event.step, event.payload))
            for event in events
            if event.type in _MARKS and event.at.timestamp() >= began_at
        ]
        return _with_marks(path, marks)

    def clear(self) -> None:
        """Deletes what was recorded in workshops that are over, unless it is to be kept."""
        for folder in self._path.glob("*"):
            with self._database.read() as session:
                workshop = workshop_by_public_id(session, folder.name)
            if workshop and workshop.ended_at and workshop.recording != KEPT:
                log.info("recordings.deleted", workshop=workshop.id)
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, workshop: Workshop, learner: Learner) -> Path:
        return self._path / workshop.public_id / learner.public_id

    def _record(self, workshop: Workshop, learner: Learner, terminal: str) -> None:
        folder = self._folder(workshop, learner)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{terminal.replace('.', '-')}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(fd).st_size == 0:
                os.write(fd, _first_line(workshop.title))
            self._pump.record(terminal, fd, float(_header(path)["timestamp"]))
        finally:
            os.close(fd)
        log.info("terminal.recorded", terminal=terminal)

    def _clear_and_look(self) -> None:
        self.clear()
        self.look()


def _first_line(title: str) -> bytes:
    header = {"version": 2, "width": 80, "height": 24, "timestamp": int(time.time())}
    return json.dumps({**header, "title": title}).encode() + b"\n"


def _header(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(file.readline())
    return header


def _label(kind: str, step: str | None, payload: dict[str, Any]) -> str:
    """What a mark says, such as `check passed 03-processes`."""
    words = [_MARKS[kind], (step or "").rpartition("/")[2]]
    if kind in {"checked", "answered"}:
        words.insert(1, "passed" if payload.get("passed") else "not yet")
    return " ".join(word for word in words if word)


def _with_marks(path: Path, marks: list[tuple[float, str]]) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield file.readline()
        for line in file:
            at = float(line[1 : line.find(",")])
            while marks and marks[0][0] <= at:
                yield _mark_line(*marks.pop(0))
            yield line
    for mark in marks:  # a check passes after the last word of its command
        yield _mark_line(*mark)


def _mark_line(at: float, text: str) -> str:
    return json.dumps([round(at, 6), "m", text]) + "\n"
