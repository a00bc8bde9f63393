"""Answers to questions with choices: one of them, several of them, all in an order."""

from __future__ import annotations

import pytest
from markupsafe import escape

from runtime.client import Problem
from webapp.lesson_format.model import Choice, Question, QuestionKind
from webapp.workshops.judging import MISSING, judge


def question(kind: QuestionKind, *rights: bool) -> Question:
    numbered = enumerate(rights)
    choices = (Choice(escape(f"c{n}"), right, escape(f"why {n}")) for n, right in numbered)
    return Question("q", kind, escape("Which?"), tuple(choices))


SEVERAL = question(QuestionKind.SEVERAL, True, False, True)
ORDER = question(QuestionKind.ORDER, False, False, False)


@pytest.mark.parametrize(
    ("value", "passed", "says"),
    [
        ("0 2", True, "why 0 why 2"),
        ("2 0", True, "why 0 why 2"),
        ("0", False, MISSING),
        ("0 1 2", False, "why 1"),
    ],
)
def test_several_pass_when_all_that_are_right_are_chosen_and_no_other(
    value: str, passed: bool, says: str
) -> None:
    assert judge(SEVERAL, value) == (passed, says)


@pytest.mark.parametrize(
    ("value", "passed", "says"),
    [("0 1 2", True, ""), ("0 2 1", False, "why 2"), ("2 1 0", False, "why 2")],
)
def test_an_order_passes_as_it_is_written_and_says_what_stands_too_early(
    value: str, passed: bool, says: str
) -> None:
    assert judge(ORDER, value) == (passed, says)


@pytest.mark.parametrize(
    ("asked", "value"),
    [(SEVERAL, "0 0"), (SEVERAL, "3"), (SEVERAL, ""), (SEVERAL, "x"), (ORDER, "0 1"),
     (ORDER, "0 1 1"), (question(QuestionKind.CHOICE, True, False), "0 1"), (SEVERAL, "-1")],
)  # fmt: skip
def test_an_answer_that_names_no_choice_is_unfit(asked: Question, value: str) -> None:
    with pytest.raises(Problem) as refused:
        judge(asked, value)
    assert refused.value.code == "answer-unfit"


def test_an_order_is_shown_mixed_and_then_as_it_was_answered() -> None:
    assert sorted(ORDER.shown(None)) == [0, 1, 2]
    assert ORDER.shown(None) != [0, 1, 2]
    assert ORDER.shown("1 2 0") == [1, 2, 0]
