"""What a path in an image leads to, layer over layer."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from runtime.image import merged, whiteouts
from runtime.image.shared import Layer, SharedImage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    """A lower one with programs and links, an upper one that takes some away."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for name in ("usr/bin", "opt", "gone", "replaced/deep"):
        (lower / name).mkdir(parents=True)
    for name in ("usr/bin/sh", "opt/kept", "opt/gone", "gone/below", "replaced/deep/old"):
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
    (upper / "replaced/deep").mkdir(parents=True)
    (upper / "replaced/deep/new").touch()
    os.setxattr(upper / "replaced", whiteouts.USERS, b"y")
    return [lower, upper]


@pytest.mark.parametrize(
    ("path", "is_there"),
    [
        *(
            (each, True)
            for each in ("/usr/bin/sh", "/bin/sh", "//run/./kept", "/run/new", "up/bin")
        ),
        *((each, False) for each in ("/bin/ash", "/opt/gone", "/gone/below", "/usr/bin/sh/x")),
        ("/replaced/deep/new", True),
        ("/replaced/deep/old", False),
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


def test_a_shell_that_was_taken_away_or_is_the_servers_is_none_of_the_images(
    layers: list[Path],
) -> None:
    def image(*folders: Path) -> SharedImage:
        return SharedImage("", "", (), 0, tuple(Layer(each.name, 0, each) for each in folders), 0)

    strange, without = (layers[0].with_name(each) for each in ("strange", "without"))
    strange.mkdir()
    (strange / "bin").symlink_to(layers[0] / "usr/bin")  # a folder of this machine's
    (without / "usr/bin").mkdir(parents=True)
    os.mknod(without / "usr/bin/sh", stat.S_IFCHR, 0)
    assert image(*layers).has_shell
    assert not image(strange).has_shell
    assert not image(*layers, without).has_shell
