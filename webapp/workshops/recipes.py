"""The images that a lesson brings: `localhost/NAME` from a Containerfile in its `images/NAME`."""

from __future__ import annotations

import tarfile
from typing import IO, TYPE_CHECKING

from webapp.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

BUILT = "localhost/"
FILES = ("Containerfile", "Dockerfile")
CONTEXT_BYTES = 256 << 20
"""What a folder that an image is built from may hold."""


def name_of(typed: str) -> str:
    """The folder below `images/` that an image of the lessons' own is built from."""
    return typed.removeprefix(BUILT).partition(":")[0]


def brought_by(lesson: Path) -> list[str]:
    """The images that the lesson in a folder says how to build, whether it needs them or not."""
    files = (lesson / "images").glob("*/*")
    return sorted({f"{BUILT}{file.parent.name}" for file in files if file.name in FILES})


def pack(lesson: Path, name: str, context: IO[bytes]) -> None:
    """Put the folder that an image is built from into a file, owned by nobody in particular.

    Args:
        lesson: the folder of the lesson that brings it.
        name: of the image, without `localhost/`.
        context: an empty file, which becomes a tar file.

    Raises:
        Problem: `image-definition` where the folder holds more than may be.
    """
    room = CONTEXT_BYTES

    def counted(member: tarfile.TarInfo) -> tarfile.TarInfo:
        nonlocal room
        if (room := room - member.size) < 0:
            raise unfit(
                f"The folder images/{name} of the lesson {lesson.name} holds more than "
                f"{CONTEXT_BYTES >> 20} MB."
            )
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(fileobj=context, mode="w") as members:
        members.add(lesson / "images" / name, arcname=".", filter=counted)
    context.flush()


def unfit(sentence: str) -> Problem:
    """Why nothing can be built, in a sentence."""
    return Problem(
        "image-definition",
        sentence,
        "A lesson that needs `localhost/NAME` has a folder images/NAME with a Containerfile.",
    )
