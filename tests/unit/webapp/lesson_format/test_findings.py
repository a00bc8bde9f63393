from __future__ import annotations

import pytest

from webapp.lesson_format.findings import Findings, Outcome, read_findings, read_outcome


def test_three_lines_become_three_parts() -> None:
    said = "Expected: one `sleep`\nFound: none\nTry: run `sleep 600 &`\n"
    assert read_findings(said) == Findings("one `sleep`", "none", "run `sleep 600 &`")


def test_lines_without_a_label_belong_to_the_part_before() -> None:
    said = "talk of the author's\nFound: one\ntwo\n\nTry: both\n"
    assert read_findings(said) == Findings("", "one\ntwo", "both")


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (0, "Found: it", Outcome.PASSED),
        (0, "", Outcome.PASSED),
        (1, "Found: none", Outcome.NOT_YET),
        (1, "Expected: it", Outcome.BROKE),
        (2, "Found: none", Outcome.BROKE),
        (-9, "Found: none", Outcome.BROKE),
        (127, "", Outcome.BROKE),
    ],
)
def test_a_check_that_stops_with_a_traceback_is_broken_and_not_failed(
    code: int, said: str, outcome: Outcome
) -> None:
    assert read_outcome(code, read_findings(said)) is outcome
