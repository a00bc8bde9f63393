"""What each learner's images may take; a shelf in memory, since a slow disk comes on no demand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from runtime.problems import Problem
from runtime.registry.quota import Quota

if TYPE_CHECKING:
    from runtime.registry.shelf import Shelf


class SlowShelf:
    """Otter's files take as long to look at as the test likes."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()

    def used_bytes(self, own: str) -> int:
        if own == "otter":
            self.asked.set()
            assert self.answers.wait(30)
        return 60


def test_who_waits_for_their_own_files_to_be_looked_at_holds_up_nobody_else() -> None:
    shelf = SlowShelf()
    quota = Quota(cast("Shelf", shelf), Path("/"), 100)

    def push() -> None:
        with quota.sending("otter"):
            pass

    otter = threading.Thread(target=push, daemon=True)
    otter.start()
    assert shelf.asked.wait(30)
    with quota.sending("heron"), quota.sending("heron"):
        quota.take("heron", 20)
        with pytest.raises(Problem, match="more than the 0 MB"):
            quota.take("heron", 30)
    shelf.answers.set()
    otter.join(30)
    assert not otter.is_alive()
