"""Answers that the lesson itself knows: which of its choices are right, or how they follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from webapp.lesson_format.model import QuestionKind
from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.lesson_format.model import Choice, Question

MISSING = "Not all yet: at least one more is right."


class Judged(NamedTuple):
    """What an answer came to.

    Attributes:
        says: why, in the lesson's words.
    """

    passed: bool
    says: str


def judge(question: Question, value: int | str) -> Judged:
    """Judge an answer to a question with choices.

    Args:
        question: of a kind that has choices.
        value: positions of choices, from 0, with spaces between them: one for a choice or a guess,
            any number for several, each of them once for an order.

    Raises:
        Problem: `answer-unfit`.
    """
    chosen = _chosen(question, str(value))
    match question.kind:
        case QuestionKind.SEVERAL:
            return _judge_several(question, chosen)
        case QuestionKind.ORDER:
            return _judge_order(question, chosen)
        case _:
            (choice,) = (question.choices[each] for each in chosen)
            passed = choice.is_right or question.kind is QuestionKind.GUESS
            return Judged(passed, _says(choice))


def _chosen(question: Question, value: str) -> list[int]:
    words = value.split()
    chosen = [int(each) for each in words if each.isascii() and each.isdecimal()]
    fits = len(chosen) == len(set(chosen)) == len(words) > 0
    if question.kind is QuestionKind.ORDER:
        fits = fits and len(chosen) == len(question.choices)
    elif question.kind is not QuestionKind.SEVERAL:
        fits = fits and len(chosen) == 1
    if not fits or max(chosen) >= len(question.choices):
        raise Problem("answer-unfit", "That is none of the choices.", "Reload the page.")
    return chosen


def _judge_several(question: Question, chosen: list[int]) -> Judged:
    wrong = [question.choices[each] for each in chosen if not question.choices[each].is_right]
    if wrong:
        return Judged(passed=False, says=_says(wrong[0]))
    right = [each for each, choice in enumerate(question.choices) if choice.is_right]
    if len(chosen) < len(right):
        return Judged(passed=False, says=MISSING)
    return Judged(passed=True, says=" ".join(_says(question.choices[each]) for each in right))


def _judge_order(question: Question, chosen: list[int]) -> Judged:
    for place, each in enumerate(chosen):
        if each != place:
            # The first that stands too early says why it comes later.
            return Judged(passed=False, says=_says(question.choices[each]))
    return Judged(passed=True, says="")


def _says(choice: Choice) -> str:
    return str(choice.says.striptags())
