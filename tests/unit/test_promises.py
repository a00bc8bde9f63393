"""What the operator's pages say is so: the tests they name exist, the command is the one tried."""

from __future__ import annotations

import re
from pathlib import Path

from runtime.doctor.row import DOCKER_RUN, ROWS
from runtime.rights import CAPABILITIES

TOP = Path(__file__).resolve().parents[2]
SECURITY = (TOP / "docs/security.md").read_text()
OPERATING = (TOP / "docs/operating.md").read_text()


def test_each_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", SECURITY)
    absent = [
        f"{path}::{test}"
        for path, test in named
        if not (TOP / path).is_file() or f"def {test}(" not in (TOP / path).read_text()
    ]
    assert named
    assert absent == []


def test_the_documented_docker_run_is_the_one_that_is_tried() -> None:
    assert DOCKER_RUN in OPERATING


def test_each_right_of_the_container_has_its_reason() -> None:
    table = OPERATING[OPERATING.index("| right | for |") :]
    assert [name for name in CAPABILITIES if f"`{name}`" not in table] == []


def test_each_kind_of_machine_is_documented() -> None:
    assert [letter for letter in ROWS if f"| **{letter}** " not in OPERATING] == []
