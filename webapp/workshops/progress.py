"""Where a learner stands in a lesson, read from what they did; nothing is kept beside that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from webapp.lesson_format.model import Lesson, Question, Step
    from webapp.models.events import Event

HINT_PRESS = "hint-"


@dataclass(frozen=True, slots=True)
class Result:
    """What the last try of a check or of a question came to.

    Attributes:
        broke: the check itself failed; no mistake of the learner's, and not counted as a try.
        value: what was answered; None for a check.
    """

    passed: bool
    broke: bool
    title: str
    expected: str
    found: str
    attempt: str
    at: datetime
    value: int | str | None = None


@dataclass(slots=True)
class StepProgress:
    """One step of one learner.

    Attributes:
        check: the last result of the step's check; a pass is never taken back by a later failure.
        answers: the last result of each question that was answered, by name.
        presses: names of what was run, copied or opened; each once, in the order of the first time.
        tries: how often a check or an answer was judged.
    """

    step: Step
    check: Result | None = None
    answers: dict[str, Result] = field(default_factory=dict)
    presses: list[str] = field(default_factory=list)
    tries: int = 0
    is_skipped: bool = False
    opened_at: datetime | None = None
    passed_at: datetime | None = None

    @property
    def is_passed(self) -> bool:
        """Is the check passed, and every question answered right?"""
        return self.passed_at is not None

    @property
    def is_failed(self) -> bool:
        """Was the last thing that was tried not right yet?"""
        results = [self.check, *self.answers.values()]
        return not self.is_passed and any(
            result is not None and not result.passed and not result.broke for result in results
        )

    @property
    def hints_open(self) -> int:
        """How many hints were opened."""
        return sum(name.startswith(HINT_PRESS) for name in self.presses)

    @property
    def summary(self) -> str:
        """What it took to pass, such as `in 6:12, 2 tries, 1 hint`; empty before."""
        if self.passed_at is None:
            return ""
        parts = [_counted(self.tries, "try", "tries"), _counted(self.hints_open, "hint", "hints")]
        if self.opened_at is not None:
            seconds = round((self.passed_at - self.opened_at).total_seconds())
            parts.insert(0, f"in {seconds // 60}:{seconds % 60:02}")
        return ", ".join(filter(None, parts))

    def facts(self) -> dict[str, Any]:
        """What a check may know of the page: this step's answers and presses."""
        answers = {name: str(result.value) for name, result in self.answers.items()}
        return {"answers": answers, "presses": list(self.presses)}

    def counts(self) -> tuple[int, int]:
        """Checks and questions passed, and how many there are."""
        passed = sum(self._question_passed(question) for question in self.step.questions)
        total = len(self.step.questions)
        if self.step.check is not None:
            passed += self.check is not None and self.check.passed
            total += 1
        return passed, total

    def take(self, event: Event) -> None:
        """Add one event of this step, in the order in which they happened."""
        match event.type:
            case "opened":
                self.opened_at = self.opened_at or event.at
            case "pressed":
                name = str(event.payload.get("name", ""))
                if name not in self.presses:
                    self.presses.append(name)
            case "skipped":
                self.pass_over()
            case "checked" | "answered":
                self._take_result(event)
            case _:
                pass
        self._note_passing(event.at)

    def pass_over(self) -> None:
        """They go on without it: by themselves, or because the class was brought further."""
        self.is_skipped = True

    def rest(self, pause: timedelta, end: datetime) -> None:
        """The class was paused for so long: what isn't passed yet was opened later, as it were."""
        if self.opened_at is not None and self.passed_at is None:
            self.opened_at = min(self.opened_at + pause, end)  # maybe opened within it

    def _take_result(self, event: Event) -> None:
        result = result_of(event)
        self.tries += not result.broke
        if event.type == "checked":
            self.check = _better(self.check, result)
        else:
            name = str(event.payload.get("question", ""))
            self.answers[name] = _better(self.answers.get(name), result)

    def _note_passing(self, at: datetime) -> None:
        passed, total = self.counts()
        nothing_asked = total == 0 and self.opened_at is not None
        if self.passed_at is None and (nothing_asked or (total > 0 and passed == total)):
            self.passed_at = at

    def _question_passed(self, question: Question) -> bool:
        result = self.answers.get(question.name)
        return result is not None and result.passed


@dataclass(frozen=True, slots=True)
class Progress:
    """A learner's way through one lesson."""

    lesson: Lesson
    steps: tuple[StepProgress, ...]

    @property
    def current(self) -> Step:
        """The first step that is neither passed nor skipped; extra steps hold nobody up."""
        open_steps = (each.step for each in self.steps if not (each.is_passed or each.is_skipped))
        return next((step for step in open_steps if not step.is_extra), self.lesson.steps[-1])

    @property
    def is_through(self) -> bool:
        """Is every step passed or skipped that isn't extra?"""
        main = [each for each in self.steps if not each.step.is_extra]
        return all(each.is_passed or each.is_skipped for each in main)

    @property
    def done_count(self) -> int:
        """How many steps are passed."""
        return sum(each.is_passed for each in self.steps)

    def of(self, step: Step) -> StepProgress:
        """How one step stands."""
        return next(each for each in self.steps if each.step.id == step.id)


def progress_of(events: Iterable[Event], lesson: Lesson) -> Progress:
    """Read a learner's progress in one lesson from all that they did, oldest first."""
    by_id = {step.id: StepProgress(step) for step in lesson.steps}
    for event in events:
        if event.step in by_id or event.step is None:
            take(by_id, event)
    return Progress(lesson, tuple(by_id.values()))


def take(steps: Mapping[str, StepProgress], event: Event) -> None:
    """Add an event about one of these steps or none, which are in the order of teaching.

    Who is brought to a step passes over those before it that they haven't passed. A pause is
    charged to none.
    """
    if event.type == "brought":
        for each in takewhile(lambda each: each.step.id != event.step, steps.values()):
            if not each.is_passed:
                each.pass_over()
    elif event.type == "rested":
        for each in steps.values():
            each.rest(rested(event), event.at)
    elif event.step is not None:
        steps[event.step].take(event)


def rested(event: Event) -> timedelta:
    """For how long a `rested` event says that the class was paused."""
    return timedelta(seconds=float(event.payload.get("seconds", 0)))


def goes_on_in(standings: Sequence[Progress], events: Iterable[Event]) -> Progress:
    """In which lesson a learner goes on: the first with something left to do.

    Lessons before the step that they were brought to last are left behind.

    Args:
        standings: their way through each lesson, in the order of teaching; not empty.
        events: all that they did.
    """
    brought = [each.step for each in events if each.type == "brought"]
    at = next(
        (
            number
            for number, each in enumerate(standings)
            if brought and any(step.id == brought[-1] for step in each.lesson.steps)
        ),
        0,
    )
    return next((each for each in standings[at:] if not each.is_through), standings[-1])


def brought_unseen(events: Sequence[Event]) -> Event | None:
    """That they were brought to a step and have looked at none since: their page was away."""
    moves = [each for each in events if each.type in {"brought", "opened"}]
    if not moves or moves[-1].type == "opened":
        return None
    seen = next((each for each in reversed(moves) if each.type == "opened"), None)
    return None if seen is not None and seen.step == moves[-1].step else moves[-1]


def result_of(event: Event) -> Result:
    """What a `checked` or `answered` came to."""
    payload = event.payload
    return Result(
        passed=payload.get("passed") is True,
        broke=payload.get("broke") is True,
        title=str(payload.get("title", "")),
        expected=str(payload.get("expected", "")),
        found=str(payload.get("found", "")),
        attempt=str(payload.get("try", "")),
        at=event.at,
        value=payload.get("value"),
    )


def _counted(count: int, one: str, many: str) -> str:
    return "" if count == 0 else f"{count} {one if count == 1 else many}"


def _better(before: Result | None, after: Result) -> Result:
    return before if before is not None and before.passed and not after.passed else after
