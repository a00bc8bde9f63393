"""Builds what a Containerfile says, in a lab of its own: nothing of a build runs as the server.

So it has a learner's rights and a lab's limits: one that forks without end, fills its disk or hangs
harms itself. What comes out is an archive, which is taken into the store as any other.
"""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from runtime.image import reference
from runtime.image.shared import called
from runtime.labs import brought
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.image.fetch import Fetcher, Tell
    from runtime.image.reference import Reference
    from runtime.image.shared import SharedImage
    from runtime.image.store import Store

IMAGE, PROFILE = "slipway/engine", brought.PROFILE
TIMEOUT_S = 1800
MEMORY_BYTES, PIDS, CORES = 1 << 30, 512, 2.0
NAME = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
FILES = ("Containerfile", "Dockerfile")
_FILE_BYTES = 1 << 20
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)


class Place(Protocol):
    """A lab with an engine, for one build."""

    def run(self, command: str, stdin: int, stdout: int) -> int:
        """Run a line of shell there, as its learner; its exit code."""


@dataclass(frozen=True)
class Recipe:
    """What is built.

    Attributes:
        context: a tar file of the folder, which the build may copy from.
        file: the Containerfile's name in it.
        name: what the image is called, `localhost/FOLDER`.
        bases: what it starts from, as registries know it.
    """

    context: IO[bytes]
    file: str
    name: str
    bases: tuple[Reference, ...]

    @classmethod
    def read(cls, context: IO[bytes], name: str, called: str) -> Recipe:
        """Read one.

        Args:
            context: a tar file; stays the caller's.
            name: of the image, without `localhost/`.
            called: what people call the folder.

        Raises:
            Problem: `image-definition`.
        """
        if not re.fullmatch(NAME, name):
            raise _unfit(called, "its name, which becomes the image's, has other letters")
        context.seek(0)
        try:
            with tarfile.open(fileobj=context, mode="r:") as members:
                found = {each.name.removeprefix("./"): each for each in members if each.isreg()}
                file = next((each for each in FILES if each in found), None)
                stream = members.extractfile(found[file]) if file else None
                text = stream.read(_FILE_BYTES).decode(errors="replace") if stream else ""
        except (tarfile.TarError, OSError, ValueError) as error:
            raise _unfit(called, "it can't be read") from error
        if file is None:
            raise _unfit(called, "there is no Containerfile in it")
        bases = tuple(map(reference.read, _bases(text)))
        return cls(context, file, f"localhost/{name}", bases)


def build(recipe: Recipe, place: Place, fetcher: Fetcher, said: int, tell: Tell) -> SharedImage:
    """Build an image and take it into the store.

    Args:
        recipe: what.
        place: where; its engine has what the image starts from.
        fetcher: of the server's store.
        said: a descriptor that gets what the build says.
        tell: hears how far it is.

    Raises:
        Problem: `image-build-failed`, and what taking an archive raises.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-build-") as made:
        archive = Path(made) / f"{recipe.name.rpartition('/')[2]}.tar"
        _bring(recipe, place, said)
        tell("building", 0, 0)
        _build(recipe, place, said)
        tell("taking it out", 0, 0)
        _take(recipe, place, archive)
        return fetcher.load(archive, reference.read(recipe.name), tell)


def have_bases(
    recipe: Recipe, roots: Store, fetcher: Fetcher, mirror: Reference | None, tell: Tell
) -> None:
    """Fetch what an image starts from, where neither this server nor the lab has it.

    Args:
        recipe: says what that is.
        roots: has what the lab is made from.
        fetcher: fills the server's store.
        mirror: asked first.
        tell: hears how far it is.

    Raises:
        Problem: as `Fetcher.pull`.
    """
    along = [image for store in brought.stores(roots.get(IMAGE)) for image in store.images()]
    here = [*fetcher.store.images(), *along]
    for wanted in recipe.bases:
        if called(here, wanted) is None:
            fetcher.pull(wanted, tell, mirror=mirror)


def failed(name: str, why: str, **facts: object) -> Problem:
    """What is said of a build that came to nothing."""
    return Problem(
        "image-build-failed",
        f"The image {name} could not be built: {why}.",
        "Nothing of it was kept. Mend its Containerfile, then try again.",
        image=name,
        **facts,
    )


def _bring(recipe: Recipe, place: Place, said: int) -> None:
    # The descriptor's own place: that of the file object may be within what it has read ahead.
    os.lseek(recipe.context.fileno(), 0, os.SEEK_SET)
    if place.run("mkdir ~/build && tar -x -C ~/build", recipe.context.fileno(), said):
        raise failed(recipe.name, "its files could not be brought into the lab")


def _build(recipe: Recipe, place: Place, said: int) -> None:
    command = f"timeout {TIMEOUT_S} podman build -f ~/build/{recipe.file} -t {recipe.name} ~/build"
    with Path("/dev/null").open("rb") as nothing:
        code = place.run(command, nothing.fileno(), said)
    if code == 124:
        raise failed(recipe.name, f"it was not done after {TIMEOUT_S // 60} minutes")
    if code:
        raise failed(recipe.name, "what it said stands above", exit_code=code)


def _take(recipe: Recipe, place: Place, archive: Path) -> None:
    with Path("/dev/null").open("rb") as nothing, archive.open("wb") as out:
        command = f"podman save --format docker-archive {recipe.name} | cat"
        if place.run(command, nothing.fileno(), out.fileno()):
            raise failed(recipe.name, "it could not be taken out of the lab")


def _bases(text: str) -> tuple[str, ...]:
    """What is started from and isn't a stage of its own, nor named by an argument."""
    stages: set[str] = set()
    bases: list[str] = []
    for line in text.splitlines():
        if found := _FROM.match(line):
            base, stage = found.groups()
            if base not in {*stages, *bases, "scratch"} and "$" not in base:
                bases.append(base)
            stages.add(stage or "")
    return tuple(each for each in bases if not each.startswith("localhost/"))


def _unfit(called: str, why: str) -> Problem:
    return Problem(
        "image-definition",
        f"{called} does not describe an image: {why}.",
        "A folder in small letters with a Containerfile is built.",
        path=called,
    )
