"""What the registry's process, which has no network, is lent of images: open files of one.

An image that an instructor has fetched is given as it is here, and no registry is asked: a class
works with what was tried before. All else comes from the usual registry, or its mirror, where the
lab's workshop has internet.
"""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.image import fetch, fitness, reference, refusals, skopeo
from runtime.image.reference import USUAL, Reference
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runtime.image.fetch import Found
    from runtime.image.shared import SharedImage, SharedStore
    from runtime.image.skopeo import Source

AT_ONCE = 3
_PREFIX = "lent-"
_OCI = "application/vnd.oci.image.manifest.v1+json"
_OCI_LIST = "application/vnd.oci.image.index.v1+json"
_USUAL = Reference(USUAL, "", "")
_OURS = "localhost"
# What comes beside layers: settings, signatures, the program's own files.
_BESIDE_BYTES = 64 << 20


class Lent(NamedTuple):
    """One file of an image; its manifest is last, or the list of variants that was asked for."""

    digest: str
    media_type: str
    path: Path


class Lending:
    """Looks for images, here and at registries; safe from any thread.

    Args:
        store: what instructors fetched.
        work_path: for what comes just now.
        mirror: asked before the usual registry.
        most_bytes: the largest image that is lent.
        usual: the registry that names without one mean.
        brought: stores of images that labs bring along, which they may ask for, too.
    """

    def __init__(
        self,
        store: SharedStore,
        work_path: Path,
        mirror: Reference | None,
        most_bytes: int,
        usual: Reference = _USUAL,
        brought: Callable[[], Iterable[SharedStore]] = tuple,
    ) -> None:
        self._brought = brought
        self._usual = usual
        self._store = store
        self._work_path = work_path
        self._mirror = mirror
        self._most_bytes = most_bytes
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._of_store: dict[str, str] = {}
        for left in work_path.glob(f"{_PREFIX}*"):  # by one of us that was killed
            spawn.remove(left)

    @contextmanager
    def lent(self, path: str, tag: str, has: str, *, may_ask: bool) -> Iterator[list[Lent]]:
        """Files of an image, for as long as this is held; none where who asks has it already.

        Args:
            path: as the usual registry has it, such as `library/nginx`; or `localhost/…`, which no
                registry is asked for.
            tag: or a digest.
            has: the digest of what is there already; empty for nothing.
            may_ask: whether registries may be asked.

        Raises:
            Problem: `image-not-at-hand`, `image-unfit`, and what refusals.py says.
        """
        is_digest = tag.startswith("sha256:")
        is_ours = path.startswith(f"{_OURS}/")
        registry, path = (_OURS, path.removeprefix(f"{_OURS}/")) if is_ours else (USUAL, path)
        wanted = Reference(registry, path, "" if is_digest else tag, tag if is_digest else "")
        with self._turns, ExitStack() as undo:
            folder = Path(undo.enter_context(self._folder()))
            found = self._found(wanted)
            # By its digest an image is one form of its layers alone, in which a store has none.
            if found is not None and not wanted.digest:
                yield self._from_store(*found, wanted, has, folder)
            elif may_ask and not is_ours:
                yield self._from_outside(wanted, has, folder)
            elif has:
                yield []
            else:
                raise _not_at_hand(wanted)

    def names(self) -> list[str]:
        """What can be lent without a registry, by its path there; `localhost/…` for our own."""
        stores = chain([self._store], self._brought())
        full = {name for store in stores for image in store.images() for name in image.names}
        paths = {reference.read(name).path for name in full if name.startswith(f"{USUAL}/")}
        ours = {name for name in full if name.startswith(f"{_OURS}/")}
        return sorted(paths | {name.rpartition(":")[0] for name in ours})

    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        self._work_path.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self._work_path)

    def _found(self, wanted: Reference) -> tuple[SharedImage, SharedStore] | None:
        """An image that is here, and where."""
        for store in chain([self._store], self._brought()):
            if (image := store.find(wanted)) is not None:
                return image, store
        return None

    def _from_store(
        self, image: SharedImage, store: SharedStore, wanted: Reference, has: str, folder: Path
    ) -> list[Lent]:
        """Layers are given unpacked: engines see then that they have them from the store."""
        if has and self._of_store.get(image.id) == has:
            return []
        address = self._store.address(image.names[0], None if store is self._store else store)
        source = skopeo.Source(address, place="This server's store")
        lent = self._copied(source, wanted, image.size_bytes, folder, copies=2)
        self._of_store[image.id] = lent[-1].digest
        return lent

    def _from_outside(self, wanted: Reference, has: str, folder: Path) -> list[Lent]:
        mirror = None if self._mirror is None else wanted.at(self._mirror)

        def lent(place: Reference) -> list[Lent]:
            return self._from(place, wanted, has, folder)

        return fetch.from_either(mirror, wanted.at(self._usual), lent)

    def _from(self, place: Reference, wanted: Reference, has: str, folder: Path) -> list[Lent]:
        with skopeo.opened(place) as source:
            try:
                chosen = fetch.choose(wanted, place, source)
                if has and has in {chosen.found.digest, wanted.digest}:
                    return []
                fitness.require(_typed(wanted), skopeo.settings(chosen.source))
            except (spawn.ProgramFailed, OSError, ValueError) as error:
                raise _explained(wanted, source, error) from error
            size = sum(size for _, size in fetch.layer_sizes(chosen.found.body))
            lent = self._copied(chosen.source, wanted, size, folder)
            if wanted.digest and chosen.variants is not None:
                lent.append(_written(chosen.variants, folder))
            return lent

    def _copied(
        self, source: Source, wanted: Reference, size_bytes: int, folder: Path, copies: int = 1
    ) -> list[Lent]:
        """Have the files of an image.

        Args:
            source: from where.
            wanted: which, for sentences.
            size_bytes: what its layers take there.
            folder: for them; the caller's to remove.
            copies: how many of a layer lie there at once; out of a store it is packed first.
        """
        disk = os.statvfs(folder)
        room = min(self._most_bytes, disk.f_bavail * disk.f_frsize // (1 + copies))
        if size_bytes > room:
            raise _too_large(wanted, size_bytes, room)
        pulse = fetch.Pulse(fetch.SILENCE_S)

        def look(done_bytes: int) -> None:
            if done_bytes > copies * size_bytes + _BESIDE_BYTES:
                raise _too_large(wanted, done_bytes, size_bytes)
            if pulse.is_over(done_bytes):
                raise refusals.silent(_typed(wanted), source.place, fetch.SILENCE_S)

        into = folder / "image"
        try:
            skopeo.copy(source, f"dir:{into}", folder, look, ())
            return _listed(into)
        except (spawn.ProgramFailed, OSError, ValueError, KeyError) as error:
            raise _explained(wanted, source, error) from error


def _listed(folder: Path) -> list[Lent]:
    """What skopeo wrote: a file for each blob, named by its digest, and the manifest."""
    manifest = folder / "manifest.json"
    found = fetch.Found(manifest.read_bytes())
    blobs: dict[str, dict[str, Any]] = {
        each["digest"]: each for each in [*(found.body["layers"] or ()), found.body["config"]]
    }
    kind = found.body.get("mediaType") or _OCI
    listed = [Lent(digest, "", folder / digest.removeprefix("sha256:")) for digest in blobs]
    return [*listed, Lent(found.digest, kind, manifest)]


def _written(variants: Found, folder: Path) -> Lent:
    """A list of variants, as a file."""
    path = folder / "variants.json"
    path.write_bytes(variants.raw)
    return Lent(variants.digest, variants.body.get("mediaType") or _OCI_LIST, path)


def _typed(wanted: Reference) -> str:
    """A name as learners type it."""
    return wanted.name.removeprefix(f"{USUAL}/").removeprefix("library/")


def _explained(wanted: Reference, source: Source, error: Exception) -> Problem:
    return refusals.explain(_typed(wanted), source.place, fetch.words(error))


def _not_at_hand(wanted: Reference) -> Problem:
    image = _typed(wanted)
    sentence, verb = f"This server has no image {image}", "build"
    if wanted.is_usual:
        sentence, verb = f"{sentence}, and your workshop has no internet to ask for it", "fetch"
    return Problem(
        "image-not-at-hand", f"{sentence}.", f"Ask your instructor to {verb} it.", image=image
    )


def _too_large(wanted: Reference, size_bytes: int, room_bytes: int) -> Problem:
    return Problem(
        "image-too-large",
        f"{_typed(wanted)} has {size_bytes / 1e6:.0f} MB, and the workshop's mirror keeps at most "
        f"{room_bytes / 1e6:.0f} MB.",
        "Choose a smaller one; or an instructor fetches it on the page Images.",
        image=_typed(wanted),
    )
