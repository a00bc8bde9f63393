"""What a class came to, by learner and by step: read from what they did, when it is asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import mean, median, quantiles
from typing import TYPE_CHECKING

from webapp.lesson_format.model import QuestionKind
from webapp.models.events import events_in
from webapp.models.people import learners_of
from webapp.workshops.progress import StepProgress, rested, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.lesson_format.library import Library
    from webapp.lesson_format.model import Lesson, Question, Step
    from webapp.models.base import LearnerId
    from webapp.models.events import Event
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop

QUANTILES_LEAST = 5
"""Of fewer learners no half and no nine in ten are told: their mean is."""
SLOW_TIMES = 2
"""A time that is more than so many medians stands out."""
BY_POSITION = {QuestionKind.CHOICE, QuestionKind.SEVERAL, QuestionKind.ORDER, QuestionKind.GUESS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a learner answered last to one question; a right answer stays.

    Attributes:
        text: as they read it: of a choice its words.
        tries: how often it was answered.
    """

    question: str
    text: str
    is_right: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One learner on one step.

    Attributes:
        progress: what they did there.
        opened_at: for the first time; None before.
        time_s: from then until it was passed, or left, without pauses of the class.
        goes_on: they are on it still, so its time is one so far.
    """

    progress: StepProgress
    opened_at: datetime | None
    time_s: float | None
    goes_on: bool
    answers: tuple[Answer, ...]

    @property
    def state(self) -> str:
        """`passed`, `skipped`, `failed`, `open` or `none`."""
        if self.progress.is_passed:
            return "passed"
        if self.progress.is_skipped:
            return "skipped"
        if self.progress.is_failed:
            return "failed"
        return "open" if self.progress.opened_at else "none"


@dataclass(frozen=True, slots=True)
class Row:
    """One learner.

    Attributes:
        cells: by step's id, in the order in which they are taught.
        right_first: questions that were answered right at the first try.
        asked: which questions were answered at all.
        hands: for how long each raised hand was up, in seconds; None: it still is.
    """

    learner: Learner
    cells: dict[str, Cell]
    right_first: frozenset[tuple[str, str]]
    asked: frozenset[tuple[str, str]]
    hands: tuple[float | None, ...]

    @property
    def time_s(self) -> float:
        """All of their steps' times together."""
        return sum(each.time_s or 0.0 for each in self.cells.values())

    def has_finished(self, steps: Iterable[Step]) -> bool:
        """Is every one of these passed or skipped that isn't extra?"""
        main = [self.cells[step.id].progress for step in steps if not step.is_extra]
        return bool(main) and all(each.is_passed or each.is_skipped for each in main)

    def last_step(self, steps: Sequence[Step]) -> int:
        """The number, from 1, of the last of these steps that was opened; 0 before the first."""
        opened = (at for at, step in enumerate(steps, 1) if self.cells[step.id].progress.opened_at)
        return max(opened, default=0)

    def quiz(self, steps: Iterable[Step]) -> tuple[int, int]:
        """How many questions of these steps were right at the first try, of how many judged."""
        names = [name for step in steps for name in judged(step)]
        return sum(name in self.right_first for name in names), len(names)


@dataclass(frozen=True, slots=True)
class StepTimes:
    """How long a step took the class, of those who are through with it.

    Attributes:
        count: how many that are.
        usual_s: half of them took no longer; of fewer than `QUANTILES_LEAST` their mean; None of
            nobody.
        nine_s: nine in ten took no longer; None of fewer than `QUANTILES_LEAST`.
    """

    step: Step
    count: int
    usual_s: float | None
    nine_s: float | None

    def is_slow(self, cell: Cell) -> bool:
        """Did this learner take more than twice what half of the class took?"""
        if self.nine_s is None or not self.usual_s or cell.time_s is None:
            return False
        return cell.time_s > SLOW_TIMES * self.usual_s


@dataclass(frozen=True)
class Results:
    """All of a class; an instructor who tried the workshop is not of it.

    Attributes:
        lessons: of the workshop, as far as they are here.
        rows: in the order of joining.
    """

    workshop: Workshop
    lessons: tuple[Lesson, ...]
    rows: tuple[Row, ...]

    @property
    def steps(self) -> list[Step]:
        """Of all lessons."""
        return [step for lesson in self.lessons for step in lesson.steps]

    @property
    def finished(self) -> list[Row]:
        """Those who are through with all of it."""
        return [row for row in self.rows if row.has_finished(self.steps)]

    def times_of(self, step: Step) -> StepTimes:
        """How long the class took for a step."""
        cells = (row.cells[step.id] for row in self.rows)
        times = [each.time_s for each in cells if each.time_s is not None and not each.goes_on]
        if len(times) < QUANTILES_LEAST:
            return StepTimes(step, len(times), mean(times) if times else None, None)
        nine = quantiles(times, n=10, method="inclusive")[8]
        return StepTimes(step, len(times), median(times), nine)

    def slowest(self, steps: Iterable[Step]) -> StepTimes | None:
        """The step that the class lost most time on; None while nobody is through with one."""
        taken = [each for step in steps if (each := self.times_of(step)).usual_s]
        return max(taken, key=lambda each: each.usual_s or 0.0, default=None)

    def missed_most(self) -> tuple[Step, Question] | None:
        """The question that most got wrong at the first try."""
        wrong = Counter(name for row in self.rows for name in row.asked - row.right_first)
        if not wrong:
            return None
        (step_id, name), _ = wrong.most_common(1)[0]
        step = next(each for each in self.steps if each.id == step_id)
        question = step.question(name)
        return (step, question) if question else None

    def hands(self) -> list[float | None]:
        """Every hand that was raised, as `Row.hands`."""
        return [each for row in self.rows for each in row.hands]


def results_of(session: Session, workshop: Workshop, library: Library) -> Results:
    """Reads what a class came to so far."""
    known = library.lessons
    lessons = tuple(known[name] for name in workshop.lessons if name in known)
    events: dict[LearnerId, list[Event]] = {}
    for event in events_in(session, workshop.id):
        events.setdefault(event.learner_id, []).append(event)
    learners = [each for each in learners_of(session, workshop.id) if not each.is_staff]
    moment = workshop.moment if workshop.is_open else None
    rows = (_row(learner, lessons, events.get(learner.id, []), moment) for learner in learners)
    return Results(workshop, lessons, tuple(rows))


def judged(step: Step) -> list[tuple[str, str]]:
    """The questions of a step that can be answered wrong: `(step, name)` each."""
    return [(step.id, each.name) for each in step.questions if _can_be_wrong(each)]


def shown_answer(question: Question, value: object) -> str:
    """An answer as its learner read it."""
    if question.kind not in BY_POSITION:
        return str(value)
    positions = [int(each) for each in str(value).split() if each.isdecimal()]
    known = [each for each in positions if each < len(question.choices)]
    return " · ".join(question.choices[each].html.striptags() for each in known)


def _can_be_wrong(question: Question) -> bool:
    if question.kind in BY_POSITION:
        return question.kind is not QuestionKind.GUESS
    return question.script is not None


@dataclass(slots=True)
class _Way:
    """One learner's events, folded."""

    steps: dict[str, StepProgress]
    seen: str | None = None
    opened_at: dict[str, datetime] = field(default_factory=dict)
    left_at: dict[str, datetime] = field(default_factory=dict)
    last_at: dict[str, datetime] = field(default_factory=dict)
    first: dict[tuple[str, str], bool] = field(default_factory=dict)
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    raised_at: datetime | None = None
    hands: list[float | None] = field(default_factory=list)
    pauses: list[tuple[datetime, float]] = field(default_factory=list)
    took_s: dict[str, float] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Adds one event, in the order in which they happened."""
        if event.type == "raised" and self.raised_at is None:
            self.raised_at = event.at
        elif event.type == "lowered" and self.raised_at is not None:
            self.hands.append((event.at - self.raised_at).total_seconds())
            self.raised_at = None
        elif event.type == "rested":
            self._rest(event.at, rested(event))
        if event.step is None or event.step in self.steps:
            take(self.steps, event)
        if event.step in self.steps:
            self._take_step(event, event.step)

    def _rest(self, at: datetime, pause: timedelta) -> None:
        """They were paused; or, by less than nothing, the clock was set back so far.

        What isn't over then began by a clock that was ahead, and is told by the one of now, as the
        pauses are that it had. How long the others took is known.
        """
        if pause >= timedelta():
            self.pauses.append((at, pause.total_seconds()))
            return
        for step, opened_at in self.opened_at.items():
            if (end := self._end(step)) is not None:
                self.took_s.setdefault(step, self._time_s(opened_at, end))
            else:
                self.opened_at[step] = opened_at + pause
                self.last_at[step] += pause
        self.pauses = [(each + pause, seconds) for each, seconds in self.pauses]
        self.raised_at = self.raised_at and self.raised_at + pause

    def _take_step(self, event: Event, step_id: str) -> None:
        if self.seen is not None and step_id != self.seen:
            self.left_at.setdefault(self.seen, event.at)
        if event.type == "brought":
            return  # they are led there, and open it next
        self.seen = step_id
        self.last_at[step_id] = event.at
        if event.type == "opened":
            self.opened_at.setdefault(step_id, event.at)
        if event.type == "answered" and event.payload.get("broke") is not True:
            name = (step_id, str(event.payload.get("question", "")))
            self.first.setdefault(name, event.payload.get("passed") is True)
            self.tries[name] += 1

    def cell(self, step: Step, moment: datetime | None) -> Cell:
        """How one step stands.

        Args:
            step: which.
            moment: now, by the clock of a class that goes on; None of one that is over.
        """
        progress, end = self.steps[step.id], self._end(step.id)
        goes_on = moment is not None and end is None and step.id == self.seen
        end = end or (moment if goes_on else self.last_at.get(step.id))
        begun = self.opened_at.get(step.id)
        time_s = self.took_s.get(step.id, self._time_s(begun, end) if begun and end else None)
        answers = tuple(
            Answer(
                question.name,
                shown_answer(question, result.value),
                result.passed,
                self.tries[step.id, question.name],
            )
            for question in step.questions
            if (result := progress.answers.get(question.name)) is not None
        )
        return Cell(progress, begun, time_s, goes_on, answers)

    def _end(self, step_id: str) -> datetime | None:
        """When a step was passed, or left; None before. One that asks nothing is only left."""
        progress = self.steps[step_id]
        asks = progress.counts()[1] > 0
        return (progress.passed_at if asks else None) or self.left_at.get(step_id)

    def _time_s(self, begun: datetime, end: datetime) -> float:
        paused_s = sum(
            max(0.0, (min(end, at) - max(begun, at - timedelta(seconds=seconds))).total_seconds())
            for at, seconds in self.pauses
        )
        return max(0.0, (end - begun).total_seconds() - paused_s)


def _row(
    learner: Learner, lessons: Iterable[Lesson], events: Iterable[Event], moment: datetime | None
) -> Row:
    steps = [step for lesson in lessons for step in lesson.steps]
    way = _Way({step.id: StepProgress(step) for step in steps})
    for event in events:
        way.take(event)
    can_be_wrong = {name for step in steps for name in judged(step)}
    return Row(
        learner,
        {step.id: way.cell(step, moment) for step in steps},
        right_first=frozenset(name for name in can_be_wrong if way.first.get(name)),
        asked=frozenset(can_be_wrong & way.first.keys()),
        hands=(*way.hands, *((None,) if way.raised_at else ())),
    )
