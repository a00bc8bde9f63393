"""What a profile adds to a lab for containers of the learner's own: disk, images, ids, network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.container import rootfs
from runtime.image.reference import USUAL
from runtime.kernel import namespaces
from runtime.labs import brought, guests
from runtime.network.rules import GATEWAY
from runtime.registry import asks, searching

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.container.profile import Profile
    from runtime.image.shared import SharedStore
    from runtime.image.store import Image
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

_SETTINGS = """\
# Of this lab: ranges that neither it nor its server uses, and what fits the way out.
[containers]
cgroups = "{cgroups}"

[engine]
network_cmd_options = ["cidr={slirp}", "mtu={mtu}"]

[network]
default_subnet = "{first}"
default_subnet_pools = [{{ base = "{pool}", size = {size} }}]
"""


_REGISTRY = """\
# The workshop's registry. Names without a registry are its mirror's, which all labs share.
unqualified-search-registries = ["{usual}"]

[[registry]]
location = "{place}"
insecure = true

[[registry]]
prefix = "{usual}"
location = "{place}/{mirror}"
insecure = true
"""


_BROUGHT = """\

# It comes along with the lab; the workshop's registry has it, too.
[[registry]]
prefix = "{name}"
location = "{place}/{mirror}/{name}"
insecure = true
"""


def files(profile: Profile, parts: Parts, image: Image) -> dict[str, str]:
    """What the engine is told of this lab, by the name of the file.

    Args:
        profile: the lab's.
        parts: what labs are made with.
        image: what it is made from.
    """
    found = {}
    if profile.engine_settings:
        inner = parts.router.inner()
        found[profile.engine_settings] = _SETTINGS.format(
            cgroups="enabled" if has_cgroups(profile, parts.place) else "disabled",
            slirp=inner.slirp,
            mtu=inner.mtu,
            first=inner.first,
            pool=inner.bridges,
            size=inner.first.prefixlen,
        )
    if has_registry(profile, parts):
        words = {"place": asks.PLACE, "mirror": asks.MIRROR}
        along = [name.partition(":")[0] for name in brought.names(image)]
        found[profile.registry_settings] = _REGISTRY.format(usual=USUAL, **words) + "".join(
            _BROUGHT.format(name=name, **words) for name in along
        )
    return found


def has_registry(profile: Profile, parts: Parts) -> bool:
    """Whether the lab's engine is told of the workshop's registry; it runs from now on."""
    return bool(profile.registry_settings) and parts.registry.begin()


def hosts(profile: Profile, parts: Parts, lab: Lab) -> str:
    """What stands in the lab's /etc/hosts beside itself.

    A lab that can't search the usual registry searches what is here.
    """
    if not has_registry(profile, parts):
        return ""
    names = [asks.PLACE.partition(":")[0]]
    if not guests.may_reach(lab, searching.PLACE):
        names.append(searching.PLACE)
    return f"{GATEWAY}\t{' '.join(names)}\n"


def has_cgroups(profile: Profile, place: Place) -> bool:
    """Whether the user has cgroups for their containers."""
    return place.delegates and profile.cgroups > 0


def settle(profile: Profile, parts: Parts, lab: Lab) -> None:
    """Do what wants the lab's process 1, before anything else runs there.

    Its user gets the cgroups below its own; and its root is shared where the OCI runtime left it
    private, as runc does: podman would warn of it.
    """
    if profile.propagation == "shared":
        namespaces.share_root(parts.forker, lab.pid)
    if has_cgroups(profile, parts.place):
        uid = lab.uid_base + lab.user.uid
        parts.crun.join_below(lab.id, parts.place.delegate(lab.id, uid, profile.cgroups))


def add(profile: Profile, parts: Parts, lab: Lab, image: Image, place: Path) -> None:
    """Mount what the profile adds into a lab's root, before its container starts.

    Args:
        profile: the lab's.
        parts: what labs are made with.
        lab: with its ids.
        image: what it is made from.
        place: the lab's disk.
    """
    root = parts.root(lab.id)
    for name in profile.volumes:
        rootfs.add_volume(place, root, name, lab.uid_base + lab.user.uid)
    if not (profile.shared_images or profile.server_images) or not brought.is_ours(image):
        return
    map_fd = namespaces.make_map(parts.forker, lab.uid_base, nested_ids(lab.uid_base, lab.user.uid))
    try:
        for name in profile.shared_images:
            rootfs.add_shared(image.rootfs_path / name.strip("/"), root, name, map_fd)
        for name in profile.server_images:
            _add_store(parts.store, image, place, root, name, map_fd)
    finally:
        os.close(map_fd)


def _add_store(
    store: SharedStore, image: Image, place: Path, root: Path, name: str, map_fd: int
) -> None:
    """Show the server's store, with locks of the lab's own."""
    skeleton = image.rootfs_path / name.strip("/")
    if not skeleton.is_dir():  # an image that was built before there was a store
        return
    store.begin(skeleton)
    rootfs.add_shared(store.path, root, name, map_fd)
    for lock in store.locks():
        rootfs.cover(place, root, f"{name}/{lock}")


def nested_ids(base: int, uid: int) -> list[tuple[int, int, int]]:
    """The ids of a user's own containers: they are root there, and have all others of the lab.

    As newuidmap(1) maps them by the image's /etc/subuid.

    Args:
        base: the server's id of the lab's root.
        uid: the user's, inside.

    Returns:
        First id inside, first of the server's, how many; root of the lab is not among them.
    """
    return [(0, base + uid, 1), (1, base + 1, uid - 1), (uid, base + uid + 1, 65535 - uid)]
