"""What images are made of, as the files say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.image.definition import definitions
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
name = "a/base"
epoch = 7
packages = ["sudo"]
[user]
name = "learner"
uid = 1000
shell = "/bin/bash"
"""
MORE = """
name = "a/more"
extends = "a/base"
packages = ["podman"]
"""


def write(top: Path, **files: str) -> None:
    for name, text in files.items():
        (top / name).mkdir()
        (top / name / "image.toml").write_text(text)


def test_an_image_that_extends_another_has_its_user_and_its_own_packages(tmp_path: Path) -> None:
    write(tmp_path, b_base=BASE, a_more=MORE)
    (tmp_path / "a_more/finish.sh").touch()
    found = definitions(tmp_path)
    more = found["a/more"]
    assert (more.user, more.uid, more.epoch) == ("learner", 1000, 7)
    assert (more.packages, more.finish_path) == (("podman",), tmp_path / "a_more/finish.sh")
    assert found["a/base"].finish_path is None


def test_an_image_that_extends_what_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, more=MORE)
    with pytest.raises(Problem, match="a/base"):
        definitions(tmp_path)


def test_the_real_ones_are_read() -> None:
    assert {"slipway/base", "slipway/engine"} <= definitions().keys()
