"""Builds what a Containerfile says, in a lab of its own: nothing of a build runs as the server.

So it has a learner's rights and a lab's limits: one that forks without end, fills its disk or hangs
harms itself. What comes out is an archive, which is taken into the store as any other.
"""

from __future__ import annotations

import re
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli.running import fresh_lab
from runtime.image import reference
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.client import Client
    from runtime.image.fetch import Fetcher, Tell
    from runtime.image.shared import SharedImage

IMAGE, PROFILE = "slipway/engine", "engine"
TIMEOUT_S = 1800
_LIMITS = {"memory_bytes": 1 << 30, "pids": 512, "cpu_cores": 2.0}
_FILES = ("Containerfile", "Dockerfile")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@dataclass(frozen=True)
class Recipe:
    """A folder with a Containerfile.

    Attributes:
        folder: what the build may copy from.
        file: the Containerfile's name.
        name: what the image is called, `localhost/FOLDER`.
        bases: what it starts from, as registries know it.
    """

    folder: Path
    file: str
    name: str
    bases: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """Read one.

        Raises:
            Problem: `image-definition`.
        """
        folder = folder.resolve()
        file = next((name for name in _FILES if (folder / name).is_file()), None)
        if file is None:
            raise _unfit(folder, "there is no Containerfile in it")
        if not _NAME.fullmatch(folder.name):
            raise _unfit(folder, "its name, which becomes the image's, has other letters")
        return cls(folder, file, f"localhost/{folder.name}", _bases(folder / file))


def build(
    recipe: Recipe, client: Client, fetcher: Fetcher, tell: Tell, disk_bytes: int
) -> SharedImage:
    """Build an image and take it into the store.

    Args:
        recipe: what.
        client: the runtime, which has the image `slipway/engine`.
        fetcher: of the server's store.
        tell: hears how far it is.
        disk_bytes: what it may write; the server has to have that to spare.

    Raises:
        Problem: `image-build-failed`, and what making a lab or taking an archive raises.
    """
    tell("making a lab to build in", 0, 0)
    order = {
        "image": IMAGE,
        "profile": PROFILE,
        "internet": True,
        "limits": {**_LIMITS, "disk_bytes": disk_bytes},
        "until": time.time() + 2 * TIMEOUT_S,
    }
    with (
        fresh_lab(client, "build", order) as lab,
        tempfile.TemporaryDirectory(prefix="slipway-build-") as made,
    ):
        archive = Path(made) / f"{recipe.folder.name}.tar"
        _bring(recipe, client, lab)
        tell("building", 0, 0)
        _build(recipe, client, lab)
        tell("taking it out", 0, 0)
        _take(recipe, client, lab, archive)
        return fetcher.load(archive, reference.read(recipe.name), tell)


def _bring(recipe: Recipe, client: Client, lab: str) -> None:
    with tempfile.TemporaryFile() as context:
        with tarfile.open(fileobj=context, mode="w") as members:
            members.add(recipe.folder, arcname="build", filter=_as_nobody)
        context.seek(0)
        if _run(client, lab, "tar -x -C ~", context.fileno(), sys.stderr.fileno()):
            raise _failed(recipe, "its files could not be brought into the lab")


def _build(recipe: Recipe, client: Client, lab: str) -> None:
    command = f"timeout {TIMEOUT_S} podman build -f ~/build/{recipe.file} -t {recipe.name} ~/build"
    with Path("/dev/null").open("rb") as nothing:
        code = _run(client, lab, command, nothing.fileno(), sys.stderr.fileno())
    if code == 124:
        raise _failed(recipe, f"it was not done after {TIMEOUT_S // 60} minutes")
    if code:
        raise _failed(recipe, "what it said stands above")


def _take(recipe: Recipe, client: Client, lab: str, archive: Path) -> None:
    with Path("/dev/null").open("rb") as nothing, archive.open("wb") as out:
        command = f"podman save --format docker-archive {recipe.name} | cat"
        if _run(client, lab, command, nothing.fileno(), out.fileno()):
            raise _failed(recipe, "it could not be taken out of the lab")


def _run(client: Client, lab: str, command: str, stdin: int, stdout: int) -> int:
    argv = ["/bin/bash", "-o", "pipefail", "-lc", command]
    fds = (stdin, stdout, sys.stderr.fileno())
    return client.lab_exec(lab, argv, user="learner", fds=fds)


def _bases(file: Path) -> tuple[str, ...]:
    """What is started from and isn't a stage of its own, nor named by an argument."""
    stages: set[str] = set()
    bases: list[str] = []
    for line in file.read_text(errors="replace").splitlines():
        if found := _FROM.match(line):
            base, stage = found.groups()
            if base not in {*stages, *bases, "scratch", "busybox"} and "$" not in base:
                bases.append(base)
            stages.add(stage or "")
    return tuple(each for each in bases if not each.startswith("localhost/"))


def _as_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _unfit(folder: Path, why: str) -> Problem:
    return Problem(
        "image-definition",
        f"{folder} does not describe an image: {why}.",
        "A folder in small letters with a Containerfile is built.",
        path=str(folder),
    )


def _failed(recipe: Recipe, why: str) -> Problem:
    return Problem(
        "image-build-failed",
        f"The image {recipe.name} could not be built: {why}.",
        "Nothing of it was kept. Mend its Containerfile, then try again.",
        image=recipe.name,
    )
