"""The images on this server: one folder each, whole or absent.

An image is built beside its place and renamed into it, so a folder under its own name is always
complete; `rootfs/` is the lower layer of every lab of that image, read-only, owned by the real
ids (root is 0, the learner 1000), and `image.json` says what it is.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOCK = ".lock"
"""Of the store's folder: held by whoever builds or sweeps."""

# `slipway/base`: one slash at most, so the folder's name, with `+` for it, can be read back.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62})?")


@dataclass(frozen=True)
class Image:
    """One image that labs can be made from.

    Attributes:
        name: as on the wire, such as `slipway/base`.
        rootfs_path: the root file system; nobody writes there.
        user: who a terminal logs in as.
        uid: its id inside the lab, and `gid` its group's.
        home: its home folder, and where a terminal begins.
        shell: its login shell.
        size_bytes: what the root file system takes on disk.
        built_at: when it was built, in seconds since 1970, UTC.
    """

    name: str
    rootfs_path: Path
    user: str
    uid: int
    gid: int
    home: str
    shell: str
    size_bytes: int
    built_at: int


class Store:
    """The images under one folder.

    Args:
        path: `Instance.images_path`; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> Image:
        """Find an image by its name.

        Raises:
            Problem: `image-name` for a name that can't be one, `image-missing` where it isn't here.
        """
        place = self.place(name)
        try:
            raw = json.loads((place / "image.json").read_text())
        except FileNotFoundError as error:
            raise Problem(
                "image-missing",
                f"This server has no image {name}.",
                f"Build it with `./slipway image build {name}`.",
                image=name,
            ) from error
        return Image(name=name, rootfs_path=place / "rootfs", **raw)

    def list(self) -> list[Image]:
        """Give every image that is here, by name."""
        # Unlike a shell's, this glob finds hidden folders too: images that were replaced.
        places = sorted(self.path.glob("[!.]*/image.json")) if self.path.is_dir() else []
        return [self.get(folder_to_name(place.parent.name)) for place in places]

    def has(self, name: str) -> bool:
        """Tell whether an image is here."""
        return (self.place(name) / "image.json").is_file()

    def place(self, name: str) -> Path:
        """Give the folder an image has, or would have; a name from outside can't lead elsewhere.

        Raises:
            Problem: `image-name`.
        """
        return self.path / name_to_folder(name)

    def adopt(self, new: Path, image: Image) -> Image:
        """Put a finished root file system into its place, in one step.

        Args:
            new: a folder on the store's file system that holds `rootfs/`; it is gone afterwards.
            image: what `image.json` shall say; its path is not looked at.

        Returns:
            The image at its place.
        """
        facts = asdict(image)
        del facts["name"], facts["rootfs_path"]
        (new / "image.json").write_text(json.dumps(facts, indent=1) + "\n")
        place = self.place(image.name)
        if place.exists():
            # Labs that live read from it through their mounts, so it only moves aside.
            place.rename(self._aside(place))
        new.rename(place)
        return self.get(image.name)

    def remove(self, name: str) -> None:
        """Take away an image that no lab is made from; waits for whoever builds.

        It moves aside in one step before its files go, so nobody meets half of it.

        Raises:
            Problem: `image-name`, `image-missing`.
        """
        with self.locked():
            self.get(name)
            aside = self._aside(self.place(name))
            self.place(name).rename(aside)
            spawn.remove(aside)

    def sweep(self, oldest: Mapping[str, float]) -> int:
        """Remove half-built images, and replaced ones that no living lab can be made from.

        Nothing is removed while somebody builds.

        Args:
            oldest: for each image that labs were made from, when the oldest living one was
                (unix seconds). What was replaced later than that may be under it.

        Returns:
            How many were removed.
        """
        if not self.path.is_dir():
            return 0
        try:
            with self.locked(fcntl.LOCK_NB):
                unused = [
                    rest for rest in self.path.glob(".*.*") if not _is_used(rest.name, oldest)
                ]
                for rest in unused:
                    spawn.remove(rest)
                return len(unused)
        except BlockingIOError:
            return 0

    @contextmanager
    def locked(self, flags: int = 0) -> Iterator[None]:
        """Keep builds and other removals away.

        Raises:
            BlockingIOError: somebody builds, where `flags` is LOCK_NB.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock_fd = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | flags)
            yield
        finally:
            os.close(lock_fd)

    def _aside(self, place: Path) -> Path:
        return self.path / f".{place.name}.old-{time.time_ns()}"


def _is_used(name: str, oldest: Mapping[str, float]) -> bool:
    """Whether a replaced image, `.FOLDER.old-NANOSECONDS`, may be under a living lab."""
    folder, _, replaced_ns = name[1:].rpartition(".old-")
    made_at = oldest.get(folder_to_name(folder))
    return bool(folder) and made_at is not None and made_at * 1e9 < int(replaced_ns)


def name_to_folder(name: str) -> str:
    """Give an image's folder name; refuses what isn't an image's name.

    Raises:
        Problem: `image-name`.
    """
    if not _NAME.fullmatch(name):
        raise Problem(
            "image-name",
            f"{name[:80]!r} can't be an image's name.",
            "A name is lower-case letters, digits, dots and dashes, such as slipway/base.",
        )
    return name.replace("/", "+")


def folder_to_name(folder: str) -> str:
    """Undo `name_to_folder`."""
    return folder.replace("+", "/")
