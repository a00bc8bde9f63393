"""Archives of images: what they hold is looked at before anything is taken out of them."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from runtime.image import archives
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
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


@pytest.mark.parametrize(
    "listed",
    [
        *(b"", b"{", b"\xff", b"null", b"[[]]"),
        *(b'[{"RepoTags": {}}]', b'[{"RepoTags": 5}]', b'[{"RepoTags": {"a": 1}}]'),
    ],
)
def test_a_list_that_is_none_is_no_name(tmp_path: Path, listed: bytes) -> None:
    path = archive(tmp_path / "My image.tar", manifest_json=listed)
    assert archives.name(path) == "my-image"


@pytest.mark.parametrize("target", ["/etc/shadow", "manifest.json", "nowhere"])
def test_a_list_that_is_a_link_is_refused_in_a_sentence(tmp_path: Path, target: str) -> None:
    path = tmp_path / "bent.tar"
    with tarfile.open(path, "w") as members:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.SYMTYPE, target
        members.addfile(link)
    assert archives.name(path) == "bent"
    with pytest.raises(Problem, match=r"bent.tar is no image"):
        archives.kind(path, path.name)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_download_that_broke_off_is_refused_in_a_sentence(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    whole = archive(tmp_path / "whole.tar", layer_tar=os.urandom(1 << 16)).read_bytes()
    half = tmp_path / "half.tar.gz"
    half.write_bytes(pack(whole)[: 1 << 15])
    assert archives.name(half) == "half"
    with pytest.raises(Problem, match="breaks off in the middle"):
        archives.kind(half, half.name)
