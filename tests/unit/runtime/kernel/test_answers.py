"""Whether the kernel's words by ICMP are heard: not where a queue anywhere holds them back."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.answers import Answers
from tests.security import held
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    yield made
    made.close()


def test_they_are_heard_again_once_no_queue_holds_them_back(answers: Answers) -> None:
    """On one processor alone, and for IPv6, since it is everybody's."""
    wait_for(answers.are_heard, "them to be heard at first")  # others may hold them back, too
    holding = subprocess.Popen(["unshare", "--net", sys.executable, held.__file__, "answers"])
    try:
        wait_for(lambda: not answers.are_heard(), "them to be held back")
    finally:
        holding.kill()
        holding.wait()
    wait_for(answers.are_heard, "them to be heard again")
