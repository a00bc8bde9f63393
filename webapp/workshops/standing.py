"""Where a class stands, as its wall needs it: folded from events as they come, none read twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from webapp.models.events import events_in
from webapp.models.people import learners_of
from webapp.workshops.progress import StepProgress, rested, result_of, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.lesson_format.library import Library
    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.base import LearnerId
    from webapp.models.events import Event
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.progress import Result

SENT_MOST = 20
FAILS_TOLD = 3
"""From so many failures of the same check on, when that was is remembered."""


@dataclass(slots=True)
class Standing:
    """One learner's way through a workshop so far.

    Attributes:
        steps: by id, in the order in which they are taught.
        seen: the step that was looked at last; None before the first.
        place: how many steps lie before that one; -1 before the first.
        since: when they came to it.
        last: what was judged last, on whichever step.
        fails: how often the same check (or question) of that step failed in a row, by its name.
        failed_at: when one of these failed for the third time.
        hinted_at: when a hint was opened last.
        limits: which limits of the lab were met, and when; oldest first.
        hand: since when their hand is up; None while it is down.
        note: what it is about.
        event_at: when they did anything last.
    """

    steps: Mapping[str, StepProgress]
    seen: str | None = None
    place: int = -1
    since: datetime | None = None
    last: Result | None = None
    fails: dict[str, int] = field(default_factory=dict)
    failed_at: datetime | None = None
    hinted_at: datetime | None = None
    limits: list[tuple[datetime, str]] = field(default_factory=list)
    hand: datetime | None = None
    note: str = ""
    event_at: datetime | None = None

    @property
    def here(self) -> StepProgress | None:
        """How the step stands that was looked at last."""
        return self.steps[self.seen] if self.seen else None

    @property
    def is_finished(self) -> bool:
        """Is every step passed or skipped that isn't extra?"""
        main = [each for each in self.steps.values() if not each.step.is_extra]
        return bool(main) and all(each.is_passed or each.is_skipped for each in main)

    def take(self, event: Event) -> None:
        """Adds one event, in the order in which they happened."""
        self.event_at = event.at
        self._take_word(event)
        if event.type == "rested":
            take(self.steps, event)
            self.since = self.since and min(self.since + rested(event), event.at)
        if event.step is None or event.step not in self.steps:
            return
        if event.step != self.seen:
            self.seen, self.since = event.step, event.at
            self.place = list(self.steps).index(event.step)
            self.fails, self.failed_at, self.hinted_at = {}, None, None
        progress = self.steps[self.seen]
        hints = progress.hints_open
        take(self.steps, event)
        if progress.hints_open > hints:
            self.hinted_at = event.at
        if event.type in {"checked", "answered"}:
            self._take_result(event)

    def _take_word(self, event: Event) -> None:
        """What is about no step."""
        if event.type == "limited":
            self.limits.append((event.at, str(event.payload.get("limit", ""))))
        elif event.type == "raised":
            self.hand = self.hand or event.at
            self.note = str(event.payload.get("note", ""))
        elif event.type == "lowered":
            self.hand, self.note = None, ""

    def _take_result(self, event: Event) -> None:
        self.last = result_of(event)
        if self.last.broke:
            return
        name = str(event.payload.get("question", ""))
        count = 0 if self.last.passed else self.fails.get(name, 0) + 1
        self.fails[name] = count
        if count == FAILS_TOLD:
            self.failed_at = event.at
        elif max(self.fails.values()) < FAILS_TOLD:
            self.failed_at = None


@dataclass(slots=True)
class Sent:
    """One message, and what became of it.

    Attributes:
        file: the name of what each was given; empty where nothing was.
        until: when its countdown is over, in unix seconds; None where it has none.
        to: who was told.
        read: who has closed it.
        codes: how its command ended last, for each who ran it; None where nobody knows.
    """

    WORDS = ("text", "command", "file", "by")

    text: str
    command: str
    file: str
    by: str
    until: int | None
    at: datetime
    to: set[LearnerId] = field(default_factory=set)
    read: set[LearnerId] = field(default_factory=set)
    codes: dict[LearnerId, int | None] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Adds what one learner was told of it, or did with it."""
        if event.type == "told":
            self.to.add(event.learner_id)
        elif event.type == "read":
            self.read.add(event.learner_id)
        else:
            code = event.payload.get("code")
            self.codes[event.learner_id] = code if isinstance(code, int) else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a class gets on with one step.

    Attributes:
        median_s: how long those took who passed it; None while nobody has.
        beyond: who passed it, or is at a later one.
    """

    median_s: float | None
    beyond: set[LearnerId]


@dataclass(slots=True)
class Standings:
    """All of a class.

    Attributes:
        lessons: of the workshop, as far as they are here.
        of: each learner's; an instructor who tries the workshop has one, too.
        learners: who is counted when the class is asked about, which an instructor isn't.
        sent: what they were told, the newest last.
        paces: of steps that were asked for since anything happened.
        read_to: the id of the last event that is in it.
    """

    lessons: list[Lesson]
    of: dict[LearnerId, Standing] = field(default_factory=dict)
    learners: set[LearnerId] = field(default_factory=set)
    sent: dict[str, Sent] = field(default_factory=dict)
    paces: dict[str, Pace] = field(default_factory=dict)
    read_to: int = 0

    def take(self, learners: Iterable[Learner], events: Iterable[Event]) -> None:
        """Adds who has joined, and what was done, since the last time."""
        for learner in learners:
            if learner.id not in self.of:
                self.paces.clear()
                self.of[learner.id] = Standing(self._steps())
                if not learner.is_staff:
                    self.learners.add(learner.id)
        for event in events:
            self.paces.clear()
            self.of[event.learner_id].take(event)
            if event.type in {"told", "read", "ran"}:
                self._take_message(event)
            self.read_to = event.id

    def _take_message(self, event: Event) -> None:
        name = str(event.payload.get("message", ""))
        if event.type == "told" and name not in self.sent:
            text, command, file, by = (str(event.payload.get(each, "")) for each in Sent.WORDS)
            until = event.payload.get("until")
            self.sent[name] = Sent(text, command, file, by, until, event.at)
            self.sent = dict(list(self.sent.items())[-SENT_MOST:])
        if name in self.sent:
            self.sent[name].take(event)

    @property
    def hands(self) -> list[LearnerId]:
        """Whose hands are up, the longest first."""
        up = [(each.hand, who) for who, each in self.of.items() if each.hand is not None]
        return [who for _, who in sorted(up)]

    def median_s(self, step: Step) -> float | None:
        """How long the class took for a step, of those who passed it; None while nobody has."""
        return self._pace(step).median_s

    def has_moved_on(self, step: Step, but: LearnerId) -> bool:
        """Have more than half of the others passed this step, or gone beyond it?"""
        beyond = self._pace(step).beyond - {but}
        return len(beyond) * 2 > len(self.learners - {but})

    def _pace(self, step: Step) -> Pace:
        """Of one step; the whole class is asked once, however many look at it."""
        if step.id not in self.paces:
            class_ = {who: self.of[who] for who in self.learners}
            at = {who: each.steps[step.id] for who, each in class_.items()}
            took = [
                (each.passed_at - each.opened_at).total_seconds()
                for each in at.values()
                if each.passed_at and each.opened_at
            ]
            number = list(self._steps()).index(step.id)
            beyond = {who for who, each in at.items() if each.is_passed}
            beyond |= {who for who, each in class_.items() if each.place > number}
            self.paces[step.id] = Pace(median(took) if took else None, beyond)
        return self.paces[step.id]

    def _steps(self) -> dict[str, StepProgress]:
        return {step.id: StepProgress(step) for lesson in self.lessons for step in lesson.steps}


class Classes:
    """The standings of each workshop that goes on; what is over is read anew when it is asked for.

    Args:
        library: the lessons.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._kept: dict[str, Standings] = {}  # by public id: numbers are given again
        self._lock = threading.Lock()

    def of(self, session: Session, workshop: Workshop) -> Standings:
        """How the class of a workshop stands now."""
        with self._lock:
            found = self._kept.get(workshop.public_id) or Standings(self._lessons(workshop))
            events = events_in(session, workshop.id, after=found.read_to)
            newest = max(found.of, default=0)
            found.take(learners_of(session, workshop.id, after=newest), events)
            if workshop.is_open:
                self._kept[workshop.public_id] = found
            else:
                self._kept.pop(workshop.public_id, None)
            return found

    def read_anew(self, workshop: Workshop) -> None:
        """Somebody of a class was deleted: the next look reads all of it again."""
        with self._lock:
            self._kept.pop(workshop.public_id, None)

    def _lessons(self, workshop: Workshop) -> list[Lesson]:
        known = self._library.lessons
        return [known[name] for name in workshop.lessons if name in known]
