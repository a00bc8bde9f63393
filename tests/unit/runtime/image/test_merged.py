"""What a path in an image leads to, layer over layer."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from runtime.image import merged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    """A lower one with programs and links, an upper one that takes some away."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for name in ("usr/bin", "opt", "gone"):
        (lower / name).mkdir(parents=True)
    for name in ("usr/bin/sh", "opt/kept", "opt/gone", "gone/below"):
        (lower / name).touch()
    links = {
        "bin": "usr/bin",
        "run": "/opt/../opt",
        "loop": "loop",
        "out": "/etc",
        "up": "../../usr",
    }
    for name, target in links.items():
        (lower / name).symlink_to(target)
    (upper / "opt").mkdir(parents=True)
    for name in ("opt/gone", "gone"):
        os.mknod(upper / name, stat.S_IFCHR, 0)
    (upper / "opt/new").touch()
    return [lower, upper]


@pytest.mark.parametrize(
    ("path", "is_there"),
    [
        *(
            (each, True)
            for each in ("/usr/bin/sh", "/bin/sh", "//run/./kept", "/run/new", "up/bin")
        ),
        *((each, False) for each in ("/bin/ash", "/opt/gone", "/gone/below", "/usr/bin/sh/x")),
        ("/out/passwd", False),  # the server has one, the image has none
        ("/loop/x", True),
        ("/opt/" + "x" * 300, True),  # nobody can tell, and whoever lists images learns the rest
        ("/opt/\0", True),
        ("/opt/\ud800", True),
        ("/opt/../" * 100 + "none", True),
    ],
)
def test_a_path_is_looked_up_as_a_container_would(
    layers: list[Path], path: str, *, is_there: bool
) -> None:
    assert merged.has(layers, path) is is_there
