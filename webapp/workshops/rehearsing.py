"""Plays a lesson in a real lab without a browser: each step's check must fail, then pass."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.client import Problem
from webapp.lesson_format.deeds import KEYS
from webapp.lesson_format.findings import Outcome, read_findings, read_outcome
from webapp.lesson_format.model import CommandKind, DeedKind, Where
from webapp.workshops.beginning import play
from webapp.workshops.judging import judge
from webapp.workshops.machine_hand import MachineHand
from webapp.workshops.typist import Typist

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from runtime.client import Client
    from webapp.lesson_format.model import Beginning, Deed, Lesson, Question, Script, Step

_LAB_LIVES_S = 1800
_SETTLE_S = 3.0
_SETTLE_IN_MACHINE_S = 15.0  # a guest's figures are some seconds old
NO_MACHINE = "machine-not-ready"


@dataclass(slots=True)
class Rehearsed:
    """How one step went.

    Attributes:
        faults: what an author has to mend; empty when all is well.
        found: what the checks said last, for whoever reads along.
    """

    step: str
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def rehearse(
    client: Client, lesson: Lesson, *, fresh: bool = False
) -> Generator[Rehearsed, None, None]:
    """Play each step's solution, in order, and say how it went.

    Args:
        client: makes labs.
        lesson: which.
        fresh: each step in a lab of its own, as it is after a reset, and not all in one.

    Raises:
        Problem: when there is no lab, or a solution leaves the shell without a prompt.
    """
    if not fresh:
        yield from _play(client, lesson, lesson.steps)
        return
    for step in lesson.steps:
        yield from _play(client, lesson, (step,), lesson.beginning(step))


def _play(
    client: Client, lesson: Lesson, steps: Sequence[Step], beginning: Beginning | None = None
) -> Generator[Rehearsed, None, None]:
    """Play these in one lab, which was brought to where they begin."""
    lab = client.lab_create(
        key=f"rehearsal-{secrets.token_hex(6)}",
        image=lesson.image,
        profile=lesson.profile,
        until=time.time() + _LAB_LIVES_S,
    )
    try:
        missing = play(client, lab["lab"], beginning) if beginning is not None else ""
        with Typist(client, lab["lab"]) as typist, MachineHand(client, lab["lab"]) as hand:
            for step in steps:
                played = _StepRehearsal(client, lab["lab"], typist, hand, step).play()
                if missing:
                    played.faults.insert(0, f"It could not begin: {missing}")
                yield played
    finally:
        client.lab_remove(lab["lab"])


class _StepRehearsal:
    """One step: its checks before, its deeds, its checks after."""

    def __init__(
        self, client: Client, lab: str, typist: Typist, hand: MachineHand, step: Step
    ) -> None:
        self._client = client
        self._lab = lab
        self._typist = typist
        self._hand = hand
        self._step = step
        self._answers: dict[str, str] = {}
        self._presses: list[str] = []
        self._result = Rehearsed(step.id)

    def play(self) -> Rehearsed:
        begin = time.monotonic()
        for name, script in self._scripts():
            if self._look(name, script) is Outcome.PASSED:
                self._fault(f"{name} passes before anything was done")
        for deed in self._step.solution:
            self._do(deed)
        self._run_the_rest()
        for name, script in self._scripts():
            self._wait_passed(name, script)
        for question in self._step.questions:
            if question.script is None:
                self._judge_choice(question)
        self._result.seconds = time.monotonic() - begin
        return self._result

    def _scripts(self) -> Iterator[tuple[str, Script]]:
        if self._step.check:
            yield "the check", self._step.check.script
        for question in self._step.questions:
            if question.script:
                yield f"question `{question.name}`", question.script

    def _look(self, name: str, script: Script) -> Outcome:
        facts = {
            "answers": self._answers,
            "presses": self._presses,
            "works": list(self._hand.works.values()),
        }
        try:
            said = self._client.lab_check(
                self._lab, script.text, facts, timeout_s=script.timeout_s, where=script.where
            )
        except Problem as problem:
            if problem.code == NO_MACHINE:
                return Outcome.NOT_YET  # it looks into a machine that isn't there yet
            if not problem.code.startswith("check-"):
                raise
            self._fault(f"{name} ({script.path}) broke: {problem.sentence}")
            return Outcome.BROKE
        findings = read_findings(said["stdout"])
        outcome = read_outcome(said["code"], findings)
        if outcome is Outcome.BROKE:
            detail = said["stderr"].strip() or f"exit code {said['code']}"
            self._fault(f"{name} ({script.path}) broke: {detail}")
        elif not findings.expected or not findings.found:
            self._fault(f"{name} ({script.path}) doesn't say `Expected:` and `Found:`")
        self._result.found = [*self._result.found[-9:], findings.found]
        return outcome

    def _wait_passed(self, name: str, script: Script) -> None:
        """A program in the background may need a moment until it is what it will be."""
        patience_s = _SETTLE_IN_MACHINE_S if self._step.needs_machine else _SETTLE_S
        deadline = time.monotonic() + patience_s
        while (outcome := self._look(name, script)) is Outcome.NOT_YET:
            if time.monotonic() > deadline:
                break
        if outcome is Outcome.NOT_YET:
            found = self._result.found[-1] if self._result.found else "no machine"
            self._fault(f"{name} doesn't pass after the solution: {found}")

    def _judge_choice(self, question: Question) -> None:
        answer = self._answers.get(question.name, "")
        if not answer or not judge(question, answer).passed:
            self._fault(f"question `{question.name}`: the solution answers {answer or 'nothing'}")

    def _do(self, deed: Deed) -> None:
        match deed.kind:
            case DeedKind.RUN:
                self._run(deed.text, deed.where)
            case DeedKind.START:
                self._typist.start(deed.text)
            case DeedKind.KEYS:
                self._typist.press("".join(KEYS[key] for key in deed.text.split()))
            case DeedKind.ANSWER:
                self._answers[deed.text] = deed.value or self._measure(deed)
            case DeedKind.PRESS:
                self._presses.append(deed.text)
            case DeedKind.BOOT:
                self._hand.boot(deed.text)
            case DeedKind.WORK:
                self._hand.work(deed.text)
            case DeedKind.MORE:
                self._hand.ask_for(deed.text)

    def _run_the_rest(self) -> None:
        """The text's other commands must work as well, though no check asks for them."""
        done = {deed.text for deed in self._step.solution}
        for command in self._step.commands:
            can_run = command.where is Where.CONTAINER or self._hand.is_ready
            if command.kind is CommandKind.RUN and command.text not in done and can_run:
                self._run(command.text, command.where)

    def _run(self, command: str, where: Where) -> None:
        said = ""
        if where is not Where.CONTAINER:
            said += self._hand.run(command)
        if where is not Where.MACHINE:
            said += self._typist.run(command)
        if "command not found" in said:
            self._fault(f"`{command}`: the image has no such command")

    def _measure(self, deed: Deed) -> str:
        if deed.process:
            numbers = [
                str(process["pid"])
                for process in self._client.lab_processes(self._lab)
                if process["comm"] == deed.process
            ]
            return numbers[0] if numbers else ""
        if deed.where is Where.MACHINE:
            return self._hand.run(deed.output_of).strip()
        with tempfile.TemporaryFile() as out:
            fds = (_devnull(), out.fileno(), out.fileno())
            try:
                argv = ["bash", "-lc", deed.output_of]
                self._client.lab_exec(self._lab, argv, user="learner", fds=fds)
            finally:
                os.close(fds[0])
            out.seek(0)
            return out.read().decode(errors="replace").strip()

    def _fault(self, what: str) -> None:
        if what not in self._result.faults:
            self._result.faults.append(what)


def _devnull() -> int:
    return os.open(os.devnull, os.O_RDONLY)
