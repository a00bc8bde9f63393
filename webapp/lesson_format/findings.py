"""What a check says: three lines on its standard output, the same three on the learner's page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_LABELS = {"Expected:": "expected", "Found:": "found", "Try:": "attempt"}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check expected, what it found, and what to try next. Plain text; `code` in backquotes.

    Attributes:
        attempt: what follows `Try:` (a word that Python keeps for itself).
    """

    expected: str = ""
    found: str = ""
    attempt: str = ""


class Outcome(StrEnum):
    """How a check ended. A broken one is never the learner's mistake and counts as no attempt."""

    PASSED = "passed"
    NOT_YET = "not-yet"
    BROKE = "broke"


def read_outcome(code: int, findings: Findings) -> Outcome:
    """What a check's exit code means.

    Not yet is 1 together with something found: an interpreter that stops with a traceback says 1
    as well, and has found nothing.
    """
    if code == 0:
        return Outcome.PASSED
    return Outcome.NOT_YET if code == 1 and findings.found else Outcome.BROKE


def read_findings(stdout: str) -> Findings:
    """Take a check's standard output apart.

    A line that begins with `Expected:`, `Found:` or `Try:` opens that part; lines after it belong
    to it, until another part opens. What comes before the first part is the author's own talk, and
    dropped.
    """
    parts: dict[str, list[str]] = {name: [] for name in _LABELS.values()}
    open_part: str | None = None
    for line in stdout.splitlines():
        label, _, rest = line.partition(" ")
        if label in _LABELS:
            open_part = _LABELS[label]
            parts[open_part].append(rest.strip())
        elif open_part is not None:
            parts[open_part].append(line.strip())
    return Findings(**{name: "\n".join(filter(None, lines)) for name, lines in parts.items()})
