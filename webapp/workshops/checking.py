"""Says whether a step is done: asks the lab, or judges an answer; keeps the result as one event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runtime.client import Problem
from webapp.lesson_format.findings import Outcome, read_findings, read_outcome
from webapp.lesson_format.model import WITH_CHOICES, Layout
from webapp.models.events import events_of, record
from webapp.workshops.judging import judge
from webapp.workshops.progress import progress_of
from webapp.workshops.works import last_results

if TYPE_CHECKING:
    from webapp.engines.seam import Engine
    from webapp.lesson_format.model import Lesson, Question, Script, Step
    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.workshops.progress import Progress

LONGEST_FINDING = 2000
BROKEN_CHECK_CODES = "check-"  # the runtime's problems about the check itself begin so


@dataclass(frozen=True, slots=True)
class Seat:
    """Who does something, and where.

    Attributes:
        lab_id: the learner's lab; None while there is none.
    """

    learner_id: LearnerId
    lesson: Lesson
    step: Step
    lab_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try came to, as the page shows it.

    Attributes:
        broke: the check itself failed; never the learner's mistake.
        expected, found, attempt: plain text with `code` in backquotes; empty where nothing is said.
        is_step_done: nothing of the step is left to pass.
        next_step: the name of the step that opens, or None after the last.
        summary: what passing the step took; empty before.
    """

    passed: bool
    broke: bool
    title: str
    expected: str = ""
    found: str = ""
    attempt: str = ""
    is_step_done: bool = False
    next_step: str | None = None
    summary: str = ""

    def as_event(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "passed": self.passed,
            "broke": self.broke,
            "title": self.title,
            "expected": self.expected,
            "found": self.found,
            "try": self.attempt,
        }

    def as_wire(self) -> dict[str, Any]:
        """What the page gets."""
        return {
            **self.as_event(),
            "done": self.is_step_done,
            "next": self.next_step,
            "summary": self.summary,
        }


class Checking:
    """Judges tries and keeps what learners did on a step.

    Args:
        database: where the events go.
        engine: runs a check from outside the learner's reach.
    """

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine

    def check(self, seat: Seat) -> Verdict:
        """Run the step's check on the learner's lab.

        Raises:
            Problem: `step-unchecked`, `lab-none`, or what the runtime says of a lab that is gone.
        """
        check = seat.step.check
        if check is None:
            raise Problem(
                "step-unchecked", "This step has no check.", "Read it, then open the next."
            )
        verdict = self._run(seat, check.script, check.title, self._facts(seat))
        return self._keep(seat, "checked", verdict)

    def answer(self, seat: Seat, name: str, value: int | str) -> Verdict:
        """Judge an answer; one that must be measured is measured now, in the learner's lab.

        Raises:
            Problem: `question-unknown`, `answer-unfit` for none of the choices, `lab-none`.
        """
        question = seat.step.question(name)
        if question is None:
            raise Problem("question-unknown", "This step has no such question.", "Reload the page.")
        verdict = self._judge(seat, question, value)
        return self._keep(seat, "answered", verdict, question=name, value=value)

    def press(self, seat: Seat, name: str) -> None:
        """Keep that something of the step was run, copied or opened; each is kept once."""
        with self._database.write() as session:
            earlier = progress_of(events_of(session, seat.learner_id), seat.lesson).of(seat.step)
            if name not in earlier.presses:
                record(session, seat.learner_id, "pressed", seat.step.id, name=name)

    def open_step(self, seat: Seat) -> Progress:
        """Keep that the learner looks at this step now, and say how they stand in the lesson."""
        with self._database.write() as session:
            events = events_of(session, seat.learner_id)
            last = next((each for each in reversed(events) if each.type == "opened"), None)
            if last is None or last.step != seat.step.id:
                events.append(record(session, seat.learner_id, "opened", seat.step.id))
                session.flush()
            return progress_of(events, seat.lesson)

    def skip(self, seat: Seat) -> str | None:
        """Let the learner go on without passing; it is kept. Gives the next step's name."""
        with self._database.write() as session:
            record(session, seat.learner_id, "skipped", seat.step.id)
        return _next_name(seat)

    def _judge(self, seat: Seat, question: Question, value: int | str) -> Verdict:
        title = question.ask.striptags()
        if question.kind in WITH_CHOICES:
            passed, says = judge(question, value)
            found, attempt = (says, "") if passed else ("", says)
            return Verdict(passed, broke=False, title=title, found=found, attempt=attempt)
        if question.script is None:
            return Verdict(passed=False, broke=True, title=title)
        facts = self._facts(seat)
        facts["answers"] = {**facts["answers"], question.name: str(value).strip()}
        return self._run(seat, question.script, title, facts)

    def _run(self, seat: Seat, script: Script, title: str, facts: dict[str, Any]) -> Verdict:
        if seat.lab_id is None:
            raise Problem(
                "lab-none",
                "This looks into your container, and there is none yet.",
                "Wait for its prompt, then try again.",
            )
        try:
            ran = self._engine.lab_check(
                seat.lab_id, script.text, facts, script.timeout_s, where=script.where
            )
        except Problem as problem:
            if problem.code.startswith(BROKEN_CHECK_CODES):
                return Verdict(passed=False, broke=True, title=title)
            raise
        findings = read_findings(str(ran["stdout"]))
        outcome = read_outcome(ran["code"], findings)
        return Verdict(
            passed=outcome is Outcome.PASSED,
            broke=outcome is Outcome.BROKE,
            title=title,
            expected=findings.expected[:LONGEST_FINDING],
            found=findings.found[:LONGEST_FINDING],
            attempt=findings.attempt[:LONGEST_FINDING],
        )

    def _facts(self, seat: Seat) -> dict[str, Any]:
        """What a check is told of the page: this step's answers and presses; works measured."""
        with self._database.read() as session:
            events = events_of(session, seat.learner_id)
        facts = progress_of(events, seat.lesson).of(seat.step).facts()
        if seat.lesson.layout is Layout.MACHINE:
            facts["works"] = [each.as_wire() for each in last_results(events).values()]
        return facts

    def _keep(self, seat: Seat, kind: str, verdict: Verdict, **more: int | str) -> Verdict:
        with self._database.write() as session:
            record(session, seat.learner_id, kind, seat.step.id, **verdict.as_event(), **more)
            session.flush()
            events = events_of(session, seat.learner_id)
        standing = progress_of(events, seat.lesson).of(seat.step)
        return replace(
            verdict,
            is_step_done=standing.is_passed,
            next_step=_next_name(seat),
            summary=standing.summary,
        )


def _next_name(seat: Seat) -> str | None:
    following = seat.lesson.after(seat.step)
    return None if following is None else following.name
