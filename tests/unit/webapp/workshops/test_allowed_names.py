"""The list of names that labs reach, as an instructor types it."""

from __future__ import annotations

import pytest

from runtime.network import allowed
from webapp.problems import Problem
from webapp.workshops import allowed_names
from webapp.workshops.allowed_names import read_names


def test_names_are_taken_however_they_are_parted_and_written() -> None:
    typed = " PyPI.org.\r\n*.debian.org,pypi.org; b\u00fccher.example\n\n"
    assert read_names(typed) == ("pypi.org", "*.debian.org", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    "typed",
    ["", " \n", "https://pypi.org/simple", "10.0.0.5", "::1", "localhost", "*", "a..b",
     "x" * 64 + ".y", "*.*.debian.org", "pypi.org:443"],
)  # fmt: skip
def test_what_is_no_list_of_names_gets_one_sentence(typed: str) -> None:
    with pytest.raises(Problem) as caught:
        read_names(typed)
    assert caught.value.code == "internet-list"
    assert caught.value.facts["field"] == "allowed"


def test_a_list_is_as_long_as_the_runtime_takes_it() -> None:
    assert (allowed_names.NAMES_MOST, allowed_names.TEXT_MOST) == (
        allowed.NAMES_MOST,
        allowed.TEXT_MOST,
    )
    assert allowed_names._NAME.pattern == allowed.NAME
    assert len(read_names(" ".join(f"n{each}.example" for each in range(40)))) == 40
    for typed in (" ".join(f"n{each}.example" for each in range(41)), "x.y " + "a." * 1030 + "b"):
        with pytest.raises(Problem, match=r"too long|no name"):
            read_names(typed)
