"""Brings an image into the store of all labs: from a registry, a mirror of it, or an archive.

What has come lies in a folder of its own until it is in the store, and the store lists an image
once it is whole. So whatever is interrupted, also by `kill -9`, leaves no half of one: the folder
is removed by the next fetch of the same name or by `image gc`, layers that came along by `gc`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import structlog

from runtime.image import archives, fitness, refusals, skopeo, whiteouts
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.image.reference import Reference
    from runtime.image.shared import SharedImage, SharedStore
    from runtime.image.skopeo import Access, Source

log = structlog.get_logger()

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Hears what is being done, and how many bytes of how many; what it raises stops the fetch."""

SILENCE_S = 60.0
# Beside what an image takes unpacked: the server's own needs of a disk.
_KEPT_FREE_BYTES = 256 << 20
_KEPT_FREE_FILES = 0.05  # of all that the disk can have; empty ones take no other room
_COUNT_S = 1.0
# The same image is the same elsewhere, and here is as little room for it.
_EVERYWHERE = {"image-unfit", "image-store-full", "image-too-large"}
_STORE_LOCK = "store.lock"
"""Shared by all who fetch; whoever has it alone knows that nothing is on its way."""


class Fetcher:
    """Fetches images into one store.

    Args:
        store: where they go.
        work_path: for what isn't there yet; on the store's file system.
        most_bytes: what all images of the store may take, unpacked.
        silence_s: after so long without a byte a registry is given up.
    """

    def __init__(
        self,
        store: SharedStore,
        work_path: Path,
        most_bytes: int,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.store = store
        self._work_path = work_path
        self._most_bytes = most_bytes
        self._silence_s = silence_s

    def pull(
        self,
        wanted: Reference,
        tell: Tell,
        *,
        mirror: Reference | None = None,
        access: Access | None = None,
    ) -> SharedImage:
        """Have an image of a registry; what is here already and unchanged isn't fetched again.

        Args:
            wanted: which.
            tell: hears how far it is.
            mirror: asked first for what is the usual registry's.
            access: who asks; needs a name with its registry.

        Raises:
            Problem: `image-unfit`, `image-store-full`, and what a registry's refusal means
                (refusals.py).
        """
        if access is not None and not wanted.registry:
            raise Problem(
                "registry-unnamed",
                f"Whoever signs in to fetch {wanted.name} has to name the registry.",
                "Write it before the name, as in registry.example/team/web:1.",
            )
        at_mirror = wanted.at(mirror) if mirror is not None and wanted.is_usual else None
        with self._alone(wanted.name, tell) as desk:

            def pulled(place: Reference) -> SharedImage:
                with skopeo.opened(place, access if place is wanted else None) as source:
                    return self._pull_from(source, place, wanted, desk, tell)

            return from_either(at_mirror, wanted, pulled)

    def load(self, archive: Path, wanted: Reference, tell: Tell, called: str = "") -> SharedImage:
        """Take an image out of an archive, as `docker save` and `podman save` write it.

        Args:
            archive: a tar file, perhaps compressed.
            wanted: the name that it is kept under.
            tell: hears how far it is.
            called: what people call the file, if not by its own name.

        Raises:
            Problem: `image-archive`, `image-unfit`, `image-store-full`.
        """
        called = called or archive.name
        address = f"{archives.kind(archive, called)}:{archive}"
        source = skopeo.Source(address, place="The archive")
        with self._alone(wanted.name, tell) as desk:
            try:
                fitness.require(wanted.name, skopeo.settings(source))
                self._copy(source, wanted, desk, archive.stat().st_size, tell)
            except (spawn.ProgramFailed, OSError, ValueError) as error:
                problem = refusals.explain(wanted.name, source.place, words(error))
                if problem.code == "image-store-full":
                    raise problem from error
                raise archives.refused(called, problem.sentence) from error
            return self._shown(self.store.require(wanted))

    def load_from(self, fd: int, wanted: Reference, tell: Tell, called: str) -> SharedImage:
        """The same of a file that has no name, as a page's upload; it is copied first.

        skopeo wants a path, and whoever gave the descriptor could still write to the file.

        Args:
            fd: the file; stays the caller's.
            wanted: the name that the image is kept under.
            tell: hears how far it is.
            called: what people call the file.

        Raises:
            Problem: as `load`.
        """
        with self._alone(f"archive of {wanted.name}", tell) as desk:
            copy = desk.path / "archive.tar"
            tell("copying", 0, 0)
            try:
                with open(fd, "rb", closefd=False) as given, copy.open("wb") as out:
                    given.seek(0)
                    shutil.copyfileobj(given, out)
            except OSError as error:
                raise refusals.explain(wanted.name, called, str(error)) from error
            return self.load(copy, wanted, tell, called)

    def sweep(self) -> int:
        """Remove what interrupted fetches left, but nothing of one that goes on; how many parts."""
        if not self._work_path.is_dir():
            return 0
        swept = 0
        for folder in self._work_path.glob("*.d"):
            with suppress(BlockingIOError), _locked(folder.with_suffix(".lock"), wait=False):
                spawn.remove(folder)
                swept += 1
        return swept + self._sweep_store()

    def _sweep_store(self) -> int:
        """The same of the store, unless somebody fetches: then the last of those does it."""
        try:
            with _locked(self._work_path / _STORE_LOCK, wait=False):
                return self.store.sweep_halves()
        except BlockingIOError:
            return 0
        except Problem as problem:
            log.warning("image.not_swept", code=problem.code)
            return 0

    def _pull_from(
        self,
        source: Source,
        place: Reference,
        wanted: Reference,
        desk: _Desk,
        tell: Tell,
    ) -> SharedImage:
        """Have it from one place, in exactly the state that was looked at."""
        try:
            tell("asking", 0, 0)
            chosen = choose(wanted, place, source)
            here = self.store.find(wanted)
            if here is not None and here.digest == chosen.found.digest:
                return self._shown(here)
            found, source = chosen.found, chosen.source
            fitness.require(wanted.name, skopeo.settings(source))
            self._copy(source, wanted, desk, self._missing_bytes(found.body), tell)
        except (spawn.ProgramFailed, OSError, ValueError) as error:
            raise refusals.explain(
                wanted.name, source.place, words(error), signs_in=source.auth_fd is not None
            ) from error
        return self._shown(self.store.require(wanted))

    def _copy(
        self,
        source: Source,
        wanted: Reference,
        desk: _Desk,
        total_bytes: int,
        tell: Tell,
    ) -> None:
        before = self.store.find(wanted)
        guard = _Guard(self.store, self._room_bytes(), wanted.name)
        if total_bytes > guard.room_bytes:
            raise refusals.full(wanted.name, total_bytes, guard.room_bytes)
        pulse = Pulse(self._silence_s)

        def look(done_bytes: int) -> None:
            guard.check(os.statvfs(self._work_path))
            if pulse.is_over(done_bytes, guard.unpacked_bytes):
                raise refusals.silent(wanted.name, source.place, self._silence_s)
            step = "unpacking" if done_bytes >= total_bytes else "fetching"
            tell(step, min(done_bytes, total_bytes), total_bytes)

        skopeo.copy(source, self.store.address(wanted.name), desk.path, look, desk.held)
        self._require_true(wanted, before)
        self._require_room(wanted, before)

    @staticmethod
    def _shown(image: SharedImage) -> SharedImage:
        """The image, once labs see all that its layers hide.

        Also of one that was here: a kill may have come between.
        """
        try:
            for layer in image.layers:
                whiteouts.show(layer.path)
        except OSError as error:
            log.warning("image.whiteouts_hidden", image=image.id[:12], error=str(error))
        return image

    def _require_true(self, wanted: Reference, before: SharedImage | None) -> None:
        """Take away again what has other layers than it says: skopeo doesn't compare them.

        Raises:
            ValueError: it was.
        """
        image = self.store.require(wanted)
        if not image.is_what_it_says:
            self._take_back(image, before)
            raise ValueError("its layers did not match its settings")

    def _take_back(self, image: SharedImage, before: SharedImage | None) -> None:
        """Remove an image that came, and give its name to the one again that had it."""
        self.store.remove(image)
        if before is not None and before.id != image.id:
            self.store.rename(before, before.names)

    def _require_room(self, wanted: Reference, before: SharedImage | None) -> None:
        """Take away again what unpacked to more than there may be, faster than anybody looked."""
        if (excess := self.store.used_bytes() - self._most_bytes) > 0:
            image = self.store.require(wanted)
            self._take_back(image, before)
            raise refusals.full(wanted.name, image.own_bytes, image.own_bytes - excess)

    def _room_bytes(self) -> int:
        """What may still come: below what is allowed, and what the disk has."""
        free = self._free_bytes() - _KEPT_FREE_BYTES
        return min(free, self._most_bytes - self.store.used_bytes())

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._work_path)
        return disk.f_bavail * disk.f_frsize

    def _missing_bytes(self, manifest: dict[str, Any]) -> int:
        """What is to come over the network: layers that are here already don't."""
        here = self.store.compressed_digests()
        return sum(size for digest, size in layer_sizes(manifest) if digest not in here)

    @contextmanager
    def _alone(self, name: str, tell: Tell) -> Iterator[_Desk]:
        """One fetch of a name at a time: the second waits, and then finds the image here."""
        self._work_path.mkdir(parents=True, exist_ok=True)
        self.store.path.parent.mkdir(parents=True, exist_ok=True)
        stem = self._work_path / hashlib.sha256(name.encode()).hexdigest()[:16]
        with ExitStack() as held:
            try:
                own_fd = held.enter_context(_locked(stem.with_suffix(".lock"), wait=False))
            except BlockingIOError:
                tell("waiting for another fetch of it", 0, 0)
                own_fd = held.enter_context(_locked(stem.with_suffix(".lock")))
            folder = stem.with_suffix(".d")
            spawn.remove(folder)
            folder.mkdir(mode=0o700)
            held.callback(spawn.remove, folder)
            held.callback(self._sweep_store)
            store_fd = held.enter_context(_locked(self._work_path / _STORE_LOCK, fcntl.LOCK_SH))
            yield _Desk(folder, (own_fd, store_fd))


def from_either(mirror: Reference | None, registry: Reference, have: Callable[[Reference], T]) -> T:
    """What a mirror gives, where there is one and it has it; else what the registry itself gives.

    Args:
        mirror: where the image is there.
        registry: where it is else.
        have: gives what is wanted from one of these places, or raises a `Problem`.

    Raises:
        Problem: what the registry's refusal means, and the mirror's behind it; of the mirror alone
            what asking elsewhere would not change.
    """
    said = ""
    if mirror is not None:
        try:
            return have(mirror)
        except Problem as problem:
            if problem.code in _EVERYWHERE:
                raise
            log.warning("image.mirror_failed", image=registry.name, code=problem.code)
            said = f" Its mirror: {problem.sentence}"
    try:
        return have(registry)
    except Problem as problem:
        sentence = problem.sentence + said
        raise Problem(problem.code, sentence, problem.hint, **problem.facts) from problem


@contextmanager
def _locked(path: Path, kind: int = fcntl.LOCK_EX, *, wait: bool = True) -> Iterator[int]:
    """Hold a lock; gives its descriptor.

    Raises:
        BlockingIOError: somebody else does, and `wait` is false.
    """
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, kind if wait else kind | fcntl.LOCK_NB)
        yield fd
    finally:
        os.close(fd)


class _Desk(NamedTuple):
    """Where one fetch works; its locks hold as long as their descriptors are open anywhere."""

    path: Path
    held: tuple[int, ...]


class Found:
    """A manifest, or a list of variants, its bytes, and their digest."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        try:
            self.body: dict[str, Any] = json.loads(raw)
        except ValueError as error:  # as from a page that asks whoever is in this network to log in
            raise ValueError("what came is no image, but something else") from error


def layer_sizes(manifest: dict[str, Any]) -> list[tuple[str, int]]:
    """Each layer's digest, and what it takes over the network; what strangers wrote amiss is none.

    Args:
        manifest: of an image for one kind of machine.
    """
    listed = manifest.get("layers")
    layers = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    sizes = [(str(each.get("digest")), each.get("size")) for each in layers]
    return [(digest, size) for digest, size in sizes if isinstance(size, int)]


class Chosen(NamedTuple):
    """An image for this machine, in exactly the state that was looked at.

    Attributes:
        found: its manifest.
        source: where it is copied from.
        variants: the list that it was chosen from; None where there is no choice.
    """

    found: Found
    source: Source
    variants: Found | None


def choose(wanted: Reference, place: Reference, source: Source) -> Chosen:
    """Look which of an image's variants is this machine's.

    Args:
        wanted: the image, for sentences.
        place: where it is looked for.
        source: the same, as skopeo asks there.

    Raises:
        Problem: `image-unfit`.
        ProgramFailed: skopeo could not have it.
        ValueError: it isn't what it should be.
    """
    found = _manifest(wanted, skopeo.manifest(source))
    digest, variants = wanted.digest, None
    if "manifests" in found.body:
        variants = found
        digest = fitness.choose(wanted.name, found.body)
        source = replace(source, address=place.pinned(digest).source)
        found = _manifest(wanted, skopeo.manifest(source))
    source = replace(source, address=place.pinned(digest or found.digest).source)
    return Chosen(found, source, variants)


class _Guard:
    """Stops what takes more room than there is: a layer may unpack to a thousand times its size.

    Args:
        store: what is filled.
        room_bytes: how much more it may hold.
        name: of the image.
    """

    def __init__(self, store: SharedStore, room_bytes: int, name: str) -> None:
        self._store = store
        self._name = name
        self.room_bytes = room_bytes
        self._before = store.layer_paths()
        self.unpacked_bytes = 0
        self._counted_at = 0.0

    def check(self, disk: os.statvfs_result) -> None:
        """Raises `image-store-full` where more was unpacked than may be, or the disk is full.

        Args:
            disk: as it is now.
        """
        if time.monotonic() - self._counted_at > _COUNT_S:
            new = self._store.layer_paths() - self._before
            self.unpacked_bytes = sum(map(skopeo.bytes_in, new))
            self._counted_at = time.monotonic()
        free_bytes = disk.f_bavail * disk.f_frsize
        if self.unpacked_bytes > self.room_bytes or free_bytes < _KEPT_FREE_BYTES // 2:
            raise refusals.full(self._name, self.unpacked_bytes, self.room_bytes)
        # Some file systems have no number of files that they could run out of.
        if disk.f_files and disk.f_favail < disk.f_files * _KEPT_FREE_FILES:
            raise refusals.too_many_files(self._name)


class Pulse:
    """Whether anything still happens: bytes come, or the disk fills."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._last: tuple[int, ...] = ()
        self._at = time.monotonic()

    def is_over(self, *amounts: int) -> bool:
        """Take what there is now; whether it has been the same for too long."""
        if amounts != self._last:
            self._last, self._at = amounts, time.monotonic()
        return time.monotonic() - self._at > self._silence_s


def _manifest(wanted: Reference, raw: bytes) -> Found:
    found = Found(raw)
    if not isinstance(found.body, dict):
        raise ValueError("its manifest is no object")  # noqa: TRY004 - of what came, not of ours
    if wanted.digest and wanted.digest != found.digest and "manifests" in found.body:
        raise ValueError("digest did not match")
    return found


def words(error: Exception) -> str:
    """What skopeo, or the system, said."""
    if isinstance(error, spawn.ProgramFailed):
        return error.stderr
    if isinstance(error, FileNotFoundError):
        return "skopeo, which fetches images, is not installed"
    return str(error)
