"""The images that containers within labs start from: one store for all labs, in containers/storage.

skopeo alone writes there; this file reads what it wrote, which is two lists and a folder a layer,
the same for years. An image is in the list once it is whole, so nothing half is ever seen. Labs see
the folder read-only and under ids of their own (labs/inner.py).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runtime.image import merged
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runtime.image.reference import Reference
    from runtime.instance import Instance

_SHELLS = ("bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash")


@dataclass(frozen=True)
class Layer:
    """What one step of a build added.

    Attributes:
        id: in the store; equal layers of two images are one.
        size_bytes: of its files, unpacked.
        path: where they are.
        digest: of what was unpacked; empty where the store doesn't know it.
    """

    id: str
    size_bytes: int
    path: Path
    digest: str = ""


@dataclass(frozen=True)
class SharedImage:
    """One image of the store.

    Attributes:
        id: of its settings, 64 hex digits.
        digest: of its manifest: the same wherever it was pulled from.
        names: full ones, as engines show them; none where a newer one has taken them.
        created_at: when it was made, in unix seconds.
        layers: the lowest first.
        own_bytes: of the layers that no other image here has.
        settings: what it starts, as whom, and what it was built by (the OCI image config).
    """

    id: str
    digest: str
    names: tuple[str, ...]
    created_at: float
    layers: tuple[Layer, ...]
    own_bytes: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Of all of its layers, those too that others share."""
        return sum(layer.size_bytes for layer in self.layers)

    @property
    def is_what_it_says(self) -> bool:
        """Whether its layers are those that its settings name, as far as that is known."""
        listed = self.settings.get("rootfs")
        named = listed.get("diff_ids") if isinstance(listed, dict) else None
        found = [layer.digest for layer in self.layers]
        return named == found or not named or not all(found)

    @property
    def has_shell(self) -> bool:
        """Whether there is a shell in it."""
        return any(map(self.has, _SHELLS))

    def has(self, path: str) -> bool:
        """Whether something is at a path of it."""
        return merged.has([layer.path for layer in self.layers], path)

    def steps(self) -> list[tuple[str, Layer | None]]:
        """What built it, step by step, each with the layer that it added, if it added one."""
        history = [each for each in self.settings.get("history") or [] if isinstance(each, dict)]
        left = list(self.layers)
        if sum(not each.get("empty_layer") for each in history) != len(left):
            return [("", layer) for layer in left]  # nobody wrote it down
        return [
            (str(each.get("created_by") or ""), None if each.get("empty_layer") else left.pop(0))
            for each in history
        ]


def called(images: Iterable[SharedImage], wanted: Reference) -> SharedImage | None:
    """The one of these that has this name, if any has."""
    return next((image for image in images if any(map(wanted.is_called, image.names))), None)


class SharedStore:
    """The store of one server.

    Args:
        path: `Instance.store_path`; need not exist.
        run_path: where skopeo keeps what lives as long as itself.
    """

    def __init__(self, path: Path, run_path: Path) -> None:
        self.path = path
        self._run_path = run_path

    @classmethod
    def of(cls, instance: Instance) -> SharedStore:
        """The store of one server."""
        return cls(instance.store_path, instance.fetches_path / "run")

    def begin(self, skeleton: Path) -> None:
        """Have the store, so that labs that live can see what comes into it later.

        Args:
            skeleton: an empty one of the version that labs read it with.
        """
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        spawn.run(["rm", "-rf", "--", str(new)])
        spawn.run(["cp", "-a", "--", str(skeleton), str(new)])
        with suppress(OSError):  # somebody else was faster
            new.rename(self.path)

    def images(self) -> list[SharedImage]:
        """Every image that is here, whole; the newest first."""
        raw = [each for each in self._read("overlay-images/images.json") if each.get("digest")]
        known = {each["id"]: each for each in self._read("overlay-layers/layers.json")}
        chains = {each["id"]: self._chain(each.get("layer", ""), known) for each in raw}
        users = Counter(layer.id for chain in chains.values() for layer in chain)
        images = [self._image(each, chains[each["id"]], users) for each in raw]
        return sorted(images, key=lambda image: image.created_at, reverse=True)

    def find(self, wanted: Reference) -> SharedImage | None:
        """The image that is kept under this name, if any is."""
        return called(self.images(), wanted)

    def require(self, wanted: Reference) -> SharedImage:
        """The image that is kept under this name.

        Raises:
            Problem: `image-missing`.
        """
        image = self.find(wanted)
        if image is None:
            raise missing(wanted)
        return image

    def used_bytes(self) -> int:
        """What all layers take, unpacked."""
        layers = self._read("overlay-layers/layers.json")
        return sum(int(each.get("diff-size") or 0) for each in layers)

    def compressed_digests(self) -> set[str]:
        """The layers that are here, as registries name them."""
        layers = self._read("overlay-layers/layers.json")
        return {str(each.get("compressed-diff-digest")) for each in layers}

    def sweep_unnamed(self) -> int:
        """Remove images that lost their name to a newer one; how many.

        Labs that see the store must not live, or they would lose what is under their feet.
        """
        unnamed = [image for image in self.images() if not image.names]
        for image in unnamed:
            self.remove(image)
        return len(unnamed)

    def sweep_halves(self) -> int:
        """Remove what came along with fetches that never came to an end; how many parts.

        Nothing may be on its way. Labs may live: they know layers by the images that have them.
        """
        listed = self._read("overlay-images/images.json")
        halves = [each["id"] for each in listed if not each.get("digest")]
        for image_id in halves:
            self._change("delete-image", image_id)
        used = {layer.id for image in self.images() for layer in image.layers}
        orphans = [each["id"] for each in self._read("overlay-layers/layers.json")]
        orphans = [each for each in reversed(orphans) if each not in used]
        for layer_id in orphans:  # a child stands behind its parent
            self._change("delete-layer", layer_id)
        return len(halves) + len(orphans)

    def layer_paths(self) -> set[Path]:
        """Where layers are, those too that aren't whole yet."""
        return set(self.path.glob("overlay/*/diff"))

    def locks(self) -> Iterator[str]:
        """The files by which engines keep each other away, as paths below the store."""
        for pattern in ("*.lock", "overlay-*/*.lock"):
            for lock in sorted(self.path.glob(pattern)):
                yield str(lock.relative_to(self.path))

    def address(self, name: str = "", beside: SharedStore | None = None) -> str:
        """Where skopeo finds the store, or the image of this name in it.

        Args:
            name: of the image.
            beside: another store, which is looked into as well and in which nothing is changed.
        """
        more = "" if beside is None else f":overlay.imagestore={beside.path}"
        return f"containers-storage:[overlay@{self.path}+{self._run_path}{more}]{name}"

    def remove(self, image: SharedImage) -> None:
        """Take an image away, with the layers that no other has.

        Raises:
            Problem: `image-not-removed`.
        """
        self._change("delete-image", image.id)

    def rename(self, image: SharedImage, names: tuple[str, ...]) -> None:
        """Let an image be called by these names alone.

        Raises:
            Problem: `image-not-removed`.
        """
        self._change("set-names", *(f"--name={name}" for name in names), image.id)

    def _change(self, verb: str, *words: str) -> None:
        argv = [*spawn.alone(), "containers-storage", f"--graph={self.path}",
                f"--run={self._run_path}", "--storage-driver=overlay", verb, *words]  # fmt: skip
        try:
            spawn.run(argv, timeout_s=300)
        except (spawn.ProgramFailed, OSError) as error:
            raise Problem(
                "image-not-removed",
                f"An image or a layer ({words[-1][:12]}) could not be removed.",
                "Another program may work in the store; try again.",
            ) from error

    def _read(self, name: str) -> list[dict[str, Any]]:
        try:
            found = json.loads((self.path / name).read_text() or "[]")
        except FileNotFoundError:
            return []
        return list(found or [])

    def _chain(self, layer_id: str, known: dict[str, dict[str, Any]]) -> tuple[Layer, ...]:
        chain: list[Layer] = []
        while layer_id in known:
            raw = known[layer_id]
            path = self.path / "overlay" / layer_id / "diff"
            digest = str(raw.get("diff-digest") or "")
            chain.append(Layer(layer_id, int(raw.get("diff-size") or 0), path, digest))
            layer_id = raw.get("parent", "")
        return tuple(reversed(chain))

    def _image(
        self, raw: dict[str, Any], chain: tuple[Layer, ...], users: Counter[str]
    ) -> SharedImage:
        return SharedImage(
            id=raw["id"],
            digest=raw.get("digest", ""),
            names=tuple(raw.get("names") or ()),
            created_at=_seconds(raw.get("created", "")),
            layers=chain,
            own_bytes=sum(layer.size_bytes for layer in chain if users[layer.id] == 1),
            settings=self._settings(raw["id"]),
        )

    def _settings(self, image_id: str) -> dict[str, Any]:
        # What isn't a plain word is kept under its name in base64.
        name = "=" + base64.b64encode(f"sha256:{image_id}".encode()).decode()
        try:
            return dict(json.loads((self.path / "overlay-images" / image_id / name).read_text()))
        except (OSError, ValueError):
            return {}


def missing(wanted: Reference) -> Problem:
    """What is said where a name is asked for that nothing is kept under."""
    return Problem(
        "image-missing",
        f"This server has no image {wanted.name}.",
        "`./slipway image list` names those that are here, `./slipway image pull` fetches others.",
        image=wanted.name,
    )


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
