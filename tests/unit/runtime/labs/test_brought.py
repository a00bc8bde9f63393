"""Images that come along with a root: ours may, a stranger's is not asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.image.store import Image
from runtime.labs import brought


@pytest.mark.parametrize(("uid", "count"), [(1000, 1), (0, 0)])
def test_a_root_made_of_an_image_brings_nothing_along(uid: int, count: int) -> None:
    root = Image("x/y", Path("/nowhere"), "somebody", uid, uid, "/", "/bin/sh", 0, 0)
    assert len(brought.stores(root)) == count
