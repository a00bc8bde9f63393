"""Archives of images: what they hold is looked at before anything is taken out of them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from runtime.image import archives
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


def archive(path: Path, **files: bytes) -> Path:
    """A tar file with these files, whose names have a dot for each `_`."""
    with tarfile.open(path, "w") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return path


def test_an_archive_of_several_images_is_refused_with_their_names(tmp_path: Path) -> None:
    two = [{"RepoTags": ["team/one:1"]}, {"RepoTags": None}]
    path = archive(tmp_path / "x.tar", manifest_json=json.dumps(two).encode())
    with pytest.raises(Problem, match=r"it holds 2 images \(team/one:1, one without a name\)"):
        archives.kind(path, "x.tar")
    path = archive(tmp_path / "y.tar", manifest_json=json.dumps(two[:1]).encode())
    assert archives.kind(path, "y.tar") == "docker-archive"


@pytest.mark.parametrize("listed", [b"", b"{", b"\xff", b"null", b"[[]]", b'[{"RepoTags": {}}]'])
def test_a_list_that_is_none_is_no_name(tmp_path: Path, listed: bytes) -> None:
    path = archive(tmp_path / "My image.tar", manifest_json=listed)
    assert archives.name(path) == "my-image"
