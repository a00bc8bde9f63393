"""Images that what labs are made from brings along for containers within them, as `busybox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.container import profile as profiles
from runtime.image.shared import SharedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.store import Image, Store

PROFILE = "engine"


def is_ours(root: Image) -> bool:
    """Whether a root was built of a definition of ours, each of which has a user."""
    return root.uid != 0


def stores(root: Image) -> list[SharedStore]:
    """Where they are, to be read; none in a root that brings none.

    Nor in one made of an image (image/rooting.py), whose user is root: its files are a stranger's,
    and a link among them may lead anywhere on the server.
    """
    if not is_ours(root):
        return []
    places = [root.rootfs_path / name.strip("/") for name in profiles.load(PROFILE).shared_images]
    return [SharedStore(place, place) for place in places]


def stores_of_all(roots: Store) -> Iterator[SharedStore]:
    """Those of every root that labs may be made from; roots are read once somebody looks."""
    for root in roots.list():
        yield from stores(root)


def names(root: Image) -> list[str]:
    """What they are called, in full."""
    images = [image for store in stores(root) for image in store.images()]
    return sorted(name for image in images for name in image.names)
