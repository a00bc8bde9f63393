"""Makes an image of the store into one that labs start from: its layers, laid over each other.

Labs need one folder, which the kernel shows each under ids of its own; an overlay of layers can't
be shown so (mount_setattr(2) answers EINVAL). So the files are copied once, sharing their blocks
where the file system can.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runtime.image.store import Image
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.image.shared import SharedImage
    from runtime.image.store import Store

_SHELLS = ("bash", "sh")
# In a mount namespace that ends with it. The layers are named from the store's folder, where each
# has a short link: a mount takes a page of words, and an image may have a hundred layers.
_FLATTEN = """\
cd "$1"
mkdir "$3/merged" "$3/none"
mount -t overlay overlay -o "ro,lowerdir=$2:$3/none" "$3/merged"
cp -a --reflink=auto "$3/merged/." "$3/rootfs"
umount "$3/merged"
rmdir "$3/merged" "$3/none"
find "$3/rootfs" -xdev -type b,c -delete
"""


def make(source: SharedImage, name: str, store: Store) -> Image:
    """Make what labs start from out of an image for containers; takes its size of disk.

    Terminals log in as its root: who else there is, such an image doesn't say.

    Args:
        source: of the store of all labs.
        name: what labs ask for, such as `python`; what is here under it is replaced.
        store: where it goes.

    Raises:
        Problem: `image-name`, `image-unfit` where it has no shell, `image-build-failed`.
    """
    if not source.layers:
        raise _no_shell(name)
    new = store.place(name).with_name(f".{store.place(name).name}.new")
    with store.locked():
        spawn.remove(new)
        try:
            (new / "rootfs").mkdir(parents=True)
            new.chmod(0o755)
            _flatten(source, new)
            return store.adopt(new, _describe(name, new / "rootfs"))
        except (spawn.ProgramFailed, OSError) as error:
            raise Problem(
                "image-build-failed",
                f"The image {name} could not be built: {str(error)[-200:]}.",
                "Nothing of it was kept. Look at the free disk space, then try again.",
                image=name,
            ) from error
        finally:
            spawn.remove(new)


def _flatten(source: SharedImage, new: Path) -> None:
    overlay = source.layers[0].path.parents[1]
    links = [(layer.path.parent / "link").read_text() for layer in reversed(source.layers)]
    lower = ":".join(f"l/{link}" for link in links)
    argv = ["unshare", "--mount", "--", "sh", "-euc", _FLATTEN, "sh", str(overlay), lower, str(new)]
    spawn.run(argv, timeout_s=1800)


def _describe(name: str, rootfs: Path) -> Image:
    """Say what is there; a lab without a shell is none."""
    shell = next((each for each in _SHELLS if _has(rootfs, each)), None)
    if shell is None:
        raise _no_shell(name)
    for folder in ("root", "tmp", "etc"):
        (rootfs / folder).mkdir(exist_ok=True)
    kilobytes = spawn.run(["du", "-skx", str(rootfs)], timeout_s=300).stdout.split("\t", 1)[0]
    path = f"/bin/{shell}"
    return Image(
        name=name,
        rootfs_path=rootfs,
        user="root",
        uid=0,
        gid=0,
        home="/root",
        shell=path,
        size_bytes=int(kilobytes) * 1024,
        built_at=int(time.time()),
    )


def _no_shell(name: str) -> Problem:
    return Problem(
        "image-unfit",
        f"Labs can't start from {name}: there is no shell in it.",
        "Choose an image that has one. Nothing of it was kept.",
        image=name,
    )


def _has(rootfs: Path, shell: str) -> bool:
    """Whether there is /bin/SHELL, be it a link of the image's, or /bin one to /usr/bin."""
    places = (rootfs / "bin" / shell, rootfs / "usr/bin" / shell)
    return any(place.is_symlink() or place.is_file() for place in places)
