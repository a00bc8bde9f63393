"""What this server has of images, of both kinds, and who is in the way of taking one away.

Labs start from *roots* (image/store.py), containers within labs from the *store* (image/shared.py).
A root is in use while a lab lives that was made from it; all of the store is in use while a lab
lives that sees it: its learner may start, or build upon, any of it at any moment.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runtime.container import profile as profiles
from runtime.image import boot, fitness, reference
from runtime.image.shared import called, missing
from runtime.labs import state
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.image.fetch import Fetcher
    from runtime.image.reference import Reference
    from runtime.image.shared import SharedImage, SharedStore
    from runtime.image.store import Image, Store
    from runtime.labs.state import Lab

_STEPS_MOST, _STEP_LETTERS = 64, 300


class Images:
    """All images of one server.

    Args:
        roots: what labs start from.
        store: what containers within labs start from.
        fetcher: fills the store.
        living: gives the labs of which there is a record.
    """

    def __init__(
        self,
        roots: Store,
        store: SharedStore,
        fetcher: Fetcher,
        living: Callable[[], Iterable[Lab]],
    ) -> None:
        self._roots = roots
        self._store = store
        self._fetcher = fetcher
        self._living = living

    def rows(self) -> list[dict[str, Any]]:
        """Every image that is here, whole, as `image.list` answers it: roots first."""
        labs = list(self._living())
        seeing = sum(map(_sees_store, labs))
        roots = [_root_row(image, labs) for image in self._roots.list()]
        return roots + [_store_row(image, seeing) for image in self._store.images()]

    def needed(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Which image of the store each of these names means.

        Returns:
            For each its `name` as a fetch has it, and `here`, the full name that it is kept under;
            empty where it isn't here. What is no name at all is left out.
        """
        names = list(names)
        if not names:
            return {}
        kept = [name for image in self._store.images() for name in image.names]
        found = {}
        for typed in names:
            with suppress(Problem):
                wanted = reference.read(typed)
                here = next(filter(wanted.is_called, kept), "")
                found[typed] = {"name": wanted.name, "here": here}
        return found

    def layers(self, wanted: Reference) -> list[dict[str, Any]]:
        """What each step of an image's build added, the lowest first.

        Raises:
            Problem: `image-missing`.
        """
        images = self._store.images()
        image = called(images, wanted)
        if image is None:
            raise missing(wanted)
        rows = []
        for step, layer in image.steps():
            sharing = [
                each.names[0]
                for each in images
                if layer is not None and each.id != image.id and each.names and layer in each.layers
            ]
            size = layer.size_bytes if layer is not None else 0
            rows.append(
                {"step": step[:_STEP_LETTERS], "size_bytes": size, "shared_by": sharing[:8]}
            )
        return rows[:_STEPS_MOST]

    def store_bytes(self) -> int:
        """What those of the store take."""
        return self._store.used_bytes()

    def remove(self, name: str) -> int:
        """Take an image away, unless a living lab may be using it.

        Args:
            name: of a root, or of an image of the store.

        Returns:
            How many bytes were its own.

        Raises:
            Problem: `image-in-use`, `image-missing`, `image-name`, `image-reference`,
                `image-not-removed`.
        """
        if name in {image.name for image in self._roots.list()}:
            return self._remove_root(name)
        return self.remove_shared(reference.read(name))

    def remove_shared(self, wanted: Reference) -> int:
        """The same, of the store alone; an image with other names only loses this one.

        Raises:
            Problem: `image-in-use`, `image-missing`, `image-not-removed`.
        """
        image = self._store.require(wanted)
        self._require_unseen(wanted.name)
        names = tuple(each for each in image.names if not wanted.is_called(each))
        if names:
            self._store.rename(image, names)
            return 0
        self._store.remove(image)
        return image.own_bytes

    def sweep(self) -> tuple[int, int]:
        """Remove what nothing can be made from any more.

        Returns:
            How many replaced roots and parts of interrupted fetches went; and how many images that
            have no name any more: none while a lab lives that sees the store.
        """
        labs = list(self._living())
        replaced = self._roots.sweep(state.oldest(labs)) + self._fetcher.sweep()
        return replaced, 0 if any(map(_sees_store, labs)) else self._store.sweep_unnamed()

    def _remove_root(self, name: str) -> int:
        users = sum(lab.shape.image == name for lab in self._living())
        if users:
            who = "One living lab is" if users == 1 else f"{users} living labs are"
            raise _in_use(name, f"{who} made from {name}.")
        size = self._roots.get(name).size_bytes
        self._roots.remove(name)
        return size

    def _require_unseen(self, name: str) -> None:
        if seeing := sum(map(_sees_store, self._living())):
            start = "One living lab has" if seeing == 1 else f"{seeing} living labs have"
            raise _in_use(name, f"{start} an engine, which may be using {name}.")


def _in_use(name: str, sentence: str) -> Problem:
    return Problem(
        "image-in-use",
        sentence,
        "Wait until they end, or end them: `./slipway lab list` names them.",
        image=name,
    )


def _sees_store(lab: Lab) -> bool:
    return bool(profiles.load(lab.shape.profile).server_images)


def _root_row(image: Image, labs: list[Lab]) -> dict[str, Any]:
    return {
        "name": image.name,
        "kind": "root",
        "size_bytes": image.size_bytes,
        "own_bytes": image.size_bytes,
        "layers": 1,
        "built_at": image.built_at,
        "boots": boot.is_bootable(image.rootfs_path.parent),
        "labs": sum(lab.shape.image == image.name for lab in labs),
        "notes": [],
        "complete": True,
    }


def _store_row(image: SharedImage, seeing: int) -> dict[str, Any]:
    return {
        "name": image.names[0] if image.names else image.id[:12],
        "names": list(image.names),
        "kind": "store",
        "digest": image.digest,
        "size_bytes": image.size_bytes,
        "own_bytes": image.own_bytes,
        "layers": len(image.layers),
        "built_at": int(image.created_at),
        "boots": False,
        "labs": seeing,
        "notes": fitness.notes(image.settings, has_shell=image.has_shell, has=image.has),
        "complete": True,
    }
