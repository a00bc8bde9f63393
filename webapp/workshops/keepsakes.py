"""What a learner takes home: the files that they changed, and a transcript of what they did."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import structlog

from webapp.problems import Problem, lab_none
from webapp.workshops.progress import result_of
from webapp.workshops.results import shown_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from webapp.engines.seam import Engine
    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.base import LearnerId
    from webapp.models.events import Event
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs

log = structlog.get_logger()

CHUNK_BYTES = 64 * 1024


class Keepsakes:
    """Files out of labs that live, for their learners; one download of each at a time.

    Args:
        engine: packs them.
        labs: who has which.
    """

    def __init__(self, engine: Engine, labs: Labs) -> None:
        self._engine = engine
        self._labs = labs
        self._under_way: set[LearnerId] = set()

    def files(self, learner_id: LearnerId) -> Iterator[bytes]:
        """What the learner changed, a tar by gzip, as it is packed; nothing of it is kept here.

        Its first bytes are there already, so what can't begin is a problem, and no download.

        Raises:
            Problem: `lab-none`, `changes-under-way`; the engine's. While it goes on, too: a
                download that breaks off is none that ended.
        """
        lab = self._labs.of(learner_id)
        if lab is None:
            raise lab_none()
        if learner_id in self._under_way:
            raise Problem(
                "changes-under-way",
                "Your files are on their way to you already.",
                "Wait for that download, or stop it.",
            )
        packing = self._packing(learner_id, str(lab["lab"]))
        return _from(next(packing, b""), packing)

    def _packing(self, learner_id: LearnerId, lab: str) -> Iterator[bytes]:
        ours, theirs = socket.socketpair()
        broke: list[Problem] = []

        def pack() -> None:
            try:
                self._engine.lab_changes(lab, theirs.fileno())
            except Problem as problem:
                broke.append(problem)
            finally:
                theirs.close()

        self._under_way.add(learner_id)
        packer = threading.Thread(target=pack, name=f"changes-{lab}", daemon=True)
        packer.start()
        try:
            while chunk := ours.recv(CHUNK_BYTES):
                yield chunk
            packer.join()
            if broke:
                raise broke[0]
            log.info("changes.taken", learner=learner_id)
        finally:
            ours.close()
            self._under_way.discard(learner_id)


def transcript(
    learner: Learner, workshop: Workshop, lessons: Sequence[Lesson], events: Iterable[Event]
) -> str:
    """Every check, answer and step of a learner, in the order in which it happened, as text."""
    steps = {step.id: (lesson, step) for lesson in lessons for step in lesson.steps}
    lines = [
        f"What {learner.shown_name} did",
        f"{workshop.title}, {workshop.opened_at.astimezone():%d %B %Y}",
    ]
    seen: str | None = None
    for event in events:
        if event.step not in steps:
            continue
        lesson, step = steps[event.step]
        if event.step != seen:
            seen = event.step
            number = lesson.steps.index(step) + 1
            lines += ["", f"{lesson.title}, step {number}: {step.title}"]
        if said := _said(event, step):
            lines.append(f"  {event.at.astimezone():%H:%M:%S}  {said}")
    return "\n".join([*lines, ""])


def _said(event: Event, step: Step) -> str:
    match event.type:
        case "skipped":
            return "skipped"
        case "checked":
            return f"check: {_verdict(event)}"
        case "answered":
            question = step.question(str(event.payload.get("question", "")))
            if question is None:
                return ""
            answer = shown_answer(question, event.payload.get("value"))
            return f"{question.ask.striptags()} {answer}: {_verdict(event)}"
        case "pressed" if str(event.payload.get("name", "")).startswith("hint-"):
            return "opened a hint"
        case _:
            return ""


def _verdict(event: Event) -> str:
    result = result_of(event)
    if result.broke:
        return "the check itself broke"
    if result.passed:
        return "passed"
    expected = f" Expected: {result.expected}" if result.expected else ""
    found = f" Found: {result.found}" if result.found else ""
    return f"not yet.{expected}{found}"


def _from(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
