"""What is read of a Containerfile before it is built."""

from __future__ import annotations

import io
import tarfile

import pytest

from runtime.labs.building import Recipe
from runtime.problems import Problem


def packed(**files: str) -> io.BytesIO:
    """A folder as a tar file, as the page and the command line pack it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as members:
        for name, text in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(text)
            members.addfile(member, io.BytesIO(text.encode()))
    return out


def test_what_an_image_starts_from_is_what_no_stage_and_no_argument_names() -> None:
    text = (
        "ARG base=x\nFROM --platform=linux/amd64 golang:1.22 AS made\nFROM made\nFROM $base\n"
        "FROM busybox\nFROM localhost/web\nfrom debian:12\nFROM golang:1.22\nFROM scratch\n"
    )
    recipe = Recipe.read(packed(Dockerfile=text), "web", "the folder")
    assert [each.name for each in recipe.bases] == ["golang:1.22", "busybox:latest", "debian:12"]
    assert (recipe.file, recipe.name) == ("Dockerfile", "localhost/web")


def test_a_containerfile_goes_before_a_dockerfile() -> None:
    context = packed(Dockerfile="FROM a", Containerfile="FROM b")
    assert Recipe.read(context, "web", "the folder").file == "Containerfile"


@pytest.mark.parametrize(
    ("context", "name", "why"),
    [
        (packed(README="no"), "web", "there is no Containerfile in it"),
        (packed(Containerfile="FROM a"), "Web", "has other letters"),
        (packed(Containerfile="FROM a"), "../web", "has other letters"),
        (io.BytesIO(b"no tar" * 300), "web", "it can't be read"),
    ],
)
def test_a_folder_that_describes_no_image_is_said_to_be_none(
    context: io.BytesIO, name: str, why: str
) -> None:
    with pytest.raises(Problem, match=why):
        Recipe.read(context, name, "the folder")
