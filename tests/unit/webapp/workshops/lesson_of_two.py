"""A lesson made by hand: one step with a check and a choice, one extra step with nothing asked."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from webapp.lesson_format.model import (
    Check,
    Choice,
    Hint,
    Layout,
    Lesson,
    Profile,
    Question,
    QuestionKind,
    Script,
    Step,
)

SCRIPT = Script(Path("checks/one.sh"), "#!/bin/sh\nexit 0\n", timeout_s=5)
WHOSE = Question(
    "whose",
    QuestionKind.CHOICE,
    Markup("Whose <code>kernel</code>?"),
    (
        Choice(Markup("mine"), is_right=False, says=Markup("There is only one.")),
        Choice(Markup("the one of the server"), is_right=True, says=Markup("One for all.")),
    ),
)
NUMBER = Question("number", QuestionKind.NUMBER, Markup("Which number?"), script=SCRIPT)


def step(name: str, *questions: Question, check: bool = True, is_extra: bool = False) -> Step:
    return Step(
        id=f"lesson/{name}",
        name=name,
        title=name.capitalize(),
        html=Markup(""),
        commands=(),
        prediction=None,
        check=Check("A `sleep` runs", SCRIPT) if check else None,
        questions=questions,
        hints=(Hint(Markup("Look."), is_solution=False), Hint(Markup("So."), is_solution=True)),
        takeaway=Markup("One idea."),
        sources=(),
        has_server_view=False,
        is_extra=is_extra,
        solution=(),
    )


def lesson(*steps: Step) -> Lesson:
    return Lesson(
        name="lesson",
        title="A lesson",
        summary="",
        minutes=5,
        layout=Layout.CONTAINER,
        image="slipway/base",
        profile=Profile.PLAIN,
        html=Markup(""),
        steps=steps,
    )
