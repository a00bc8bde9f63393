"""What a lesson is, whatever it was written in: read-only, and already safe to show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from markupsafe import Markup


class Layout(StrEnum):
    """Which page a lesson is played on."""

    CONTAINER = "container"
    MACHINE = "machine"  # beside the container


class Profile(StrEnum):
    """What a lesson's labs may do; the runtime has a file for each."""

    PLAIN = "plain"
    ENGINE = "engine"  # containers of the learner's own


class Where(StrEnum):
    """On which side of the page something happens."""

    CONTAINER = "container"
    MACHINE = "machine"
    BOTH = "both"


class CommandKind(StrEnum):
    """What a learner may do with a command in the text."""

    RUN = "run"
    COPY = "copy"


class QuestionKind(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    SEVERAL = "several"
    ORDER = "order"
    GUESS = "guess"
    NUMBER = "number"
    TEXT = "text"


# Those that the lesson itself can judge.
WITH_CHOICES = frozenset(
    {QuestionKind.CHOICE, QuestionKind.SEVERAL, QuestionKind.ORDER, QuestionKind.GUESS}
)


@dataclass(frozen=True, slots=True)
class Command:
    """A block of the text that can be run or copied.

    Attributes:
        id: stays the same while the text of the block does, wherever it moves within its step.
        text: the characters as the author wrote them, without the last newline.
        where: whose terminal it is typed into.
    """

    id: str
    kind: CommandKind
    text: str
    where: Where = Where.CONTAINER


@dataclass(frozen=True, slots=True)
class Script:
    """A check's program: text that runs from outside the learner's reach, by its first line.

    Attributes:
        path: where it was read, for the author; the learner never sees it.
        where: in which side's root and namespaces it looks; never both.
    """

    path: Path
    text: str
    timeout_s: int
    where: Where = Where.CONTAINER


@dataclass(frozen=True, slots=True)
class Check:
    """Asks the learner's real lab whether the step is done."""

    title: str
    script: Script


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a choice question.

    Attributes:
        says: why it is right or wrong; shown once it was chosen.
    """

    html: Markup
    is_right: bool
    says: Markup


@dataclass(frozen=True, slots=True)
class Question:
    """A question that counts as a check.

    A choice is judged by its `choices` (the answer is the position, from 0); several may be right,
    or they are brought into the order in which they are written (the answer is their positions); a
    guess has them, too, and is never wrong. A number or a text is judged by `script`, which finds
    the answer under `answers` in its facts: the right one is measured, never written.

    Attributes:
        lines: how many the field for a text has.
    """

    name: str
    kind: QuestionKind
    ask: Markup
    choices: tuple[Choice, ...] = ()
    script: Script | None = None
    lines: int = 1

    def shown(self, answer: object) -> list[int]:
        """The positions of an order's choices as the page shows them: as answered, or mixed.

        Mixed in the same way each time, so that a page that is loaded again looks the same.
        """
        if answer is not None:
            return [int(each) for each in str(answer).split()]
        there = list(range(len(self.choices)))
        mixed = sorted(there, key=lambda each: crc32(self.choices[each].html.encode()))
        return mixed if mixed != there else mixed[1:] + mixed[:1]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One tap before a command that surprises. Never graded; shown again beside what happened.

    Attributes:
        choices: plain sentences; the answer is the position, from 0.
        reveal: what happens and why; shown once the step is passed.
    """

    ask: Markup
    choices: tuple[Markup, ...]
    reveal: Markup


@dataclass(frozen=True, slots=True)
class Hint:
    """One of a step's hints, in the order in which they open. The last one holds the solution."""

    html: Markup
    is_solution: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Where a general claim of the step comes from."""

    title: str
    url: str


class DeedKind(StrEnum):
    """What a line of a solution does."""

    RUN = "run"
    START = "start"
    KEYS = "keys"
    ANSWER = "answer"
    PRESS = "press"
    BOOT = "boot"
    WORK = "work"
    MORE = "more"


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of a solution, as `lesson test` carries it out.

    Attributes:
        text: what is typed (RUN, START), names of keys (KEYS), the question (ANSWER), the name of
            what is pressed (PRESS), how the machine starts (BOOT), the work (WORK), or what is
            asked of the planner (MORE).
        where: RUN and ANSWER: whose shell it is typed into, or asked in.
        value: ANSWER only: the answer as written; empty when it is measured.
        process: ANSWER only: the answer is the server's number of the process with this name.
        output_of: ANSWER only: the answer is what this command prints in the lab.
    """

    kind: DeedKind
    text: str
    value: str = ""
    process: str = ""
    output_of: str = ""
    where: Where = Where.CONTAINER


class Row(StrEnum):
    """A row of the panel: one figure, taken on both sides."""

    START = "start"
    PREPARED = "prepared"
    MEMORY = "memory"
    DISK = "disk"
    CPU = "cpu"
    CPU_TOTAL = "cpu-total"
    PROCESSES = "processes"
    KERNEL = "kernel"
    PRESSURE = "pressure"


class Card(StrEnum):
    """What stands below the panel's table."""

    WORKS = "works"
    PLANNER = "planner"
    ISOLATION = "isolation"
    DRAWING = "drawing"
    SERVER = "server"
    TABLE = "table"


class Work(StrEnum):
    """The same work, done on both sides for three seconds each."""

    COMPRESS = "compress"
    FORK = "fork"
    CALLS = "calls"
    FILES = "files"
    HTTP = "http"


class EngineView(StrEnum):
    """What a step shows of the learner's own engine, as it is now."""

    LAYERS = "layers"  # of each image, and which of them are shared
    LIFE = "life"  # where in its life the newest container is


@dataclass(frozen=True, slots=True)
class Panel:
    """What a step shows of the panel between its two terminals; the rest is folded, not gone.

    Attributes:
        works: those of the works' card that the step is about; all when it names none.
    """

    rows: tuple[Row, ...] = ()
    cards: tuple[Card, ...] = ()
    works: tuple[Work, ...] = ()

    def has(self, card: str) -> bool:
        """Whether the step shows this card."""
        return card in self.cards


@dataclass(frozen=True, slots=True)
class Step:
    """One idea: text, a command or two, a check, a sentence to take away.

    Attributes:
        id: `LESSON/NAME`; progress is kept under it, so renaming a file forgets who passed it.
        html: the text, with each command as `<slip-command data-id=… data-kind=…>`.
        takeaway: shown once the step is passed.
        has_server_view: the page offers what the server sees of the lab's processes.
        engine_view: what it draws of the learner's own engine.
        previews: ports of services that the page offers to show, beside each other.
        recall: ids of steps, of any lesson, whose findings it shows again.
        begin: what brings a fresh lab to where the step begins; None where that is what the steps
            before it did.
        needs_machine: without one nothing of it can be done, so the page offers to go on.
        panel: what it shows between the terminals; empty on a page without a machine.
        is_extra: for the fast; never needed later, and not counted.
    """

    id: str
    name: str
    title: str
    html: Markup
    commands: tuple[Command, ...]
    prediction: Prediction | None
    check: Check | None
    questions: tuple[Question, ...]
    hints: tuple[Hint, ...]
    takeaway: Markup
    sources: tuple[Source, ...]
    has_server_view: bool
    is_extra: bool
    solution: tuple[Deed, ...]
    needs_machine: bool = False
    panel: Panel = Panel()
    engine_view: EngineView | None = None
    previews: tuple[int, ...] = ()
    recall: tuple[str, ...] = ()
    begin: tuple[Deed, ...] | None = None

    def question(self, name: str) -> Question | None:
        """The question of that name, or None."""
        return next((each for each in self.questions if each.name == name), None)


BEGINNINGS = frozenset({DeedKind.RUN, DeedKind.BOOT, DeedKind.MORE})
"""The deeds that bring a fresh lab to where a step begins; no other leaves anything in it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What brings a fresh lab to where a step begins.

    Attributes:
        boot: how its machine starts; empty where it has none.
        runs: commands, each with the side that it is typed into.
        asks: what is asked of the planner, in this order.
    """

    boot: str = ""
    runs: tuple[Deed, ...] = ()
    asks: tuple[str, ...] = ()

    @classmethod
    def of(cls, deeds: Iterable[Deed]) -> Beginning:
        """What is left of deeds: each boot begins with an empty disk, and an end leaves none.

        Of what the planner was asked, a stop leaves nothing.
        """
        boot, runs, asks = "", list[Deed](), list[str]()
        for deed in deeds:
            if deed.kind is DeedKind.BOOT:
                boot = "" if deed.text == "end" else deed.text
                runs = [
                    replace(each, where=Where.CONTAINER)
                    for each in runs
                    if each.where is not Where.MACHINE
                ]
            elif deed.kind is DeedKind.RUN:
                runs.append(deed)
                if deed.where is not Where.CONTAINER:
                    boot = boot or "cold"
            elif deed.kind is DeedKind.MORE:
                asks = [] if deed.text == "stop" else [*asks, deed.text]
        return cls(boot, tuple(runs), tuple(asks))

    def typed_into(self, side: Where) -> tuple[str, ...]:
        """The commands that one side gets; BOTH, as one shell would get them all."""
        return tuple(
            each.text
            for each in self.runs
            if Where.BOTH in {side, each.where} or each.where is side
        )


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as the player shows it.

    Attributes:
        name: the folder's name; part of every step's id and of the address.
        image: which image its labs start from.
        profile: what they may do.
        needs: images that its learners start containers from, as they are typed.
        html: what the lesson is about, for the page where lessons are chosen.
    """

    name: str
    title: str
    summary: str
    minutes: int
    layout: Layout
    image: str
    profile: Profile
    html: Markup
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()

    def step(self, name: str) -> Step | None:
        """The step of that name, or None."""
        return next((each for each in self.steps if each.name == name), None)

    def after(self, step: Step) -> Step | None:
        """The step that follows, or None after the last."""
        position = self.steps.index(step) + 1
        return self.steps[position] if position < len(self.steps) else None

    def beginning(self, step: Step) -> Beginning:
        """What brings a fresh lab to where this step begins.

        What the step says, or else what the solutions of the steps before it type and boot; of a
        step between that says its own, from there on.
        """
        deeds: list[Deed] = []
        for each in self.steps[: self.steps.index(step) + 1]:
            if each.begin is not None:
                deeds = list(each.begin)
            if each is not step and not each.is_extra:
                deeds += each.solution
        return Beginning.of(deeds)
