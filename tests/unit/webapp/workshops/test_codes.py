from __future__ import annotations

import re

import pytest

from webapp.workshops.codes import new_code, plain_code, spoken


def test_a_new_code_has_three_letters_a_dash_and_no_look_alikes() -> None:
    for code in (new_code() for _ in range(500)):
        assert re.fullmatch(r"[A-HJ-NP-Z]{3}-[A-HJ-NP-Z2-9]{3}", code)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("KLP-42Q", "KLP-42Q"),
        (" klp 42q ", "KLP-42Q"),
        ("klp42q", "KLP-42Q"),
        ("KLP–42Q", "KLP-42Q"),  # noqa: RUF001 -- what phones type
        ("\u200bklp\u00a042q", "KLP-42Q"),
        ("", ""),
        ("---", ""),
    ],
)
def test_case_spaces_and_dashes_of_a_code_are_forgiven(typed: str, meant: str) -> None:
    assert plain_code(typed) == meant


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("KLP-42Q", "K for kilo, L for lima, P for papa · four, two · Q for quebec"),
        ("ABC-DE2", "A for alfa, B for bravo, C for charlie · D for delta, E for echo · two"),
    ],
)
def test_a_code_can_be_said_aloud(code: str, said: str) -> None:
    assert spoken(code) == said
