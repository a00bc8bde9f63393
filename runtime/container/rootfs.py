"""A lab's root: the image's files under the lab's own ids, with a layer of its own on top."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from runtime.kernel import beneath, syscalls
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


def prepare(folder: Path, uid_base: int) -> None:
    """Make the layer that takes what a lab writes, owned by the lab's root.

    Args:
        folder: the lab's disk.
        uid_base: the server's id of the lab's root.
    """
    for name in ("upper", "work"):
        (folder / name).mkdir()
        os.chown(folder / name, uid_base, uid_base)


def mount(image_path: Path, folder: Path, root: Path, userns_fd: int) -> None:
    """Mount a lab's root; nothing is copied, whatever the image's size.

    Unmount it once the container runs (`unmount`): the container has a mount of its own, and the
    server's table stays short.

    Args:
        image_path: the image's root file system.
        folder: the lab's disk, prepared.
        root: where to; outside of the data folder, which is closed to others: the OCI runtime walks
            there as the lab's root, who is nobody here.
        userns_fd: the lab's user namespace; its maps must be written already.

    Raises:
        Problem: `idmap-unsupported` where the image's file system can't be id-mapped.
    """
    root.mkdir(parents=True)
    lower_fd = idmapped(image_path, userns_fd)
    try:
        try:
            _overlay_by_descriptor(lower_fd, folder, root)
        except OSError:
            # Before 6.13 a layer can't be a descriptor (seen: EOPNOTSUPP on 6.1, EBADF on 6.12),
            # before 6.15 not a detached one. What is really wrong is said by the older way.
            _overlay_by_path(lower_fd, folder, root)
    finally:
        os.close(lower_fd)


def add_volume(folder: Path, root: Path, name: str, owner: int) -> None:
    """Let a folder of a lab's root lie on the lab's disk itself, and not on the overlay.

    Args:
        folder: the lab's disk, prepared.
        root: where the lab's root is mounted.
        name: such as `/var/lib/engine`; the image has it.
        owner: the server's id of who may look into it.

    Raises:
        OSError: the image has no such folder.
    """
    place = folder / "volumes" / name.strip("/").replace("/", "+")
    place.mkdir(parents=True, mode=0o700)
    os.chown(place, owner, owner)
    tree_fd = syscalls.open_tree(syscalls.AT_FDCWD, str(place), syscalls.OPEN_TREE_CLONE)
    try:
        # Setuid programs of the lab's own containers work; device nodes have no use.
        syscalls.mount_setattr(tree_fd, syscalls.MOUNT_ATTR_NODEV, recursive=False)
        _put(tree_fd, root, name, os.O_DIRECTORY)
    finally:
        os.close(tree_fd)


def add_shared(source: Path, root: Path, name: str, map_fd: int) -> None:
    """Show a folder of the server's under ids of its own, beside those of the root.

    Args:
        source: the folder; nobody writes there through the lab.
        root: where the lab's root is mounted.
        name: where in it, such as `/var/lib/shared-images`.
        map_fd: a user namespace that says which ids.

    Raises:
        Problem: `idmap-unsupported`.
        OSError: there is no such folder, here or there.
    """
    tree_fd = idmapped(source, map_fd)
    try:
        _put(tree_fd, root, name, os.O_DIRECTORY)
    finally:
        os.close(tree_fd)


def cover(folder: Path, root: Path, name: str) -> None:
    """Lay an empty file of the lab's own over one that all labs would share.

    Whoever may read a file may lock it (fcntl(2)), also through a read-only mount.

    Args:
        folder: the lab's disk, prepared.
        root: where the lab's root is mounted.
        name: the file, such as `/var/lib/server-images/storage.lock`.
    """
    own = folder / "covers" / name.strip("/").replace("/", "+")
    own.parent.mkdir(exist_ok=True)
    own.touch(0o644)
    tree_fd = syscalls.open_tree(syscalls.AT_FDCWD, str(own), syscalls.OPEN_TREE_CLONE)
    try:
        syscalls.mount_setattr(tree_fd, syscalls.MOUNT_ATTR_RDONLY, recursive=False)
        _put(tree_fd, root, name)
    finally:
        os.close(tree_fd)


def _put(tree_fd: int, root: Path, name: str, flags: int = 0) -> None:
    with beneath.folder(root) as root_fd:
        place_fd = beneath.opened(root_fd, name.strip("/"), os.O_PATH | flags)
        try:
            syscalls.move_mount(tree_fd, place_fd, "")
        finally:
            os.close(place_fd)


def unmount(root: Path) -> None:
    """Take the mount out of this namespace; a container that was started keeps its own.

    The empty folder stays as long as the container, since runc works from there at each exec.
    """
    with suppress(OSError):  # not mounted
        syscalls.umount2(str(root), syscalls.MNT_DETACH)


def remove_mount_point(root: Path) -> None:
    """Take away the folder that `mount` made, and what may still be mounted there."""
    unmount(root)
    with suppress(FileNotFoundError):
        root.rmdir()


def write_file(folder: Path, image_path: Path, name: str, text: str, uid_base: int) -> None:
    """Put a file into a lab's layer before it is mounted, owned by the lab's root.

    Args:
        folder: the lab's disk.
        image_path: the image's root; the folders above take their modes from there.
        name: such as `etc/hosts`.
        text: what it says.
        uid_base: the server's id of the lab's root.
    """
    with beneath.folder(folder / "upper") as upper_fd:
        for end in (at for at, letter in enumerate(name) if letter == "/"):
            _make_folder(upper_fd, image_path, name[:end], uid_base)
        fd = beneath.opened(upper_fd, name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(fd, "w") as file:
            file.write(text)
            os.fchmod(fd, 0o644)
            os.fchown(fd, uid_base, uid_base)


def _make_folder(upper_fd: int, image_path: Path, name: str, uid_base: int) -> None:
    """Make a folder of a lab's layer as the image has it, if it isn't there."""
    try:
        os.mkdir(name, 0o755, dir_fd=upper_fd)
    except FileExistsError:
        return
    fd = beneath.opened(upper_fd, name, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with beneath.folder(image_path) as image_fd:
            os.fchmod(fd, _mode_of(image_fd, name))
        os.fchown(fd, uid_base, uid_base)
    finally:
        os.close(fd)


def _mode_of(top_fd: int, name: str) -> int:
    try:
        fd = beneath.opened(top_fd, name, os.O_PATH | os.O_DIRECTORY)
    except OSError:  # the image has something else there, such as a link
        return 0o755
    try:
        return os.fstat(fd).st_mode & 0o7777
    finally:
        os.close(fd)


def idmapped(image_path: Path, userns_fd: int) -> int:
    """A detached, read-only view of an image with the ids of one lab; the caller closes it.

    No disk and no copy: the kernel translates owners at each access, so one image serves all labs.

    Raises:
        Problem: `idmap-unsupported`.

    Source: mount_setattr(2), "ID-mapped mounts".
    """
    tree_fd = syscalls.open_tree(syscalls.AT_FDCWD, str(image_path), syscalls.OPEN_TREE_CLONE)
    attributes = syscalls.MOUNT_ATTR_IDMAP | syscalls.MOUNT_ATTR_RDONLY
    try:
        syscalls.mount_setattr(tree_fd, attributes, userns_fd, recursive=False)
    except OSError as error:
        os.close(tree_fd)
        raise Problem(
            "idmap-unsupported",
            "The data folder's file system can't show an image under other user ids.",
            "Put the data folder on ext4, XFS or btrfs, with Linux 5.19 or later.",
        ) from error
    return tree_fd


def _overlay_by_descriptor(lower_fd: int, folder: Path, root: Path) -> None:
    with ExitStack() as opened:
        fs_fd = syscalls.fsopen("overlay")
        opened.callback(os.close, fs_fd)
        syscalls.fsconfig_fd(fs_fd, "lowerdir+", lower_fd)
        syscalls.fsconfig_string(fs_fd, "upperdir", str(folder / "upper"))
        syscalls.fsconfig_string(fs_fd, "workdir", str(folder / "work"))
        syscalls.fsconfig_create(fs_fd)
        mount_fd = syscalls.fsmount(fs_fd)
        opened.callback(os.close, mount_fd)
        syscalls.move_mount(mount_fd, syscalls.AT_FDCWD, str(root))


def _overlay_by_path(lower_fd: int, folder: Path, root: Path) -> None:
    lower = folder / "lower"
    lower.mkdir(exist_ok=True)
    syscalls.move_mount(lower_fd, syscalls.AT_FDCWD, str(lower))
    try:
        options = f"lowerdir={lower},upperdir={folder / 'upper'},workdir={folder / 'work'}"
        syscalls.mount("overlay", str(root), "overlay", 0, options)
    finally:
        syscalls.umount2(str(lower), syscalls.MNT_DETACH)
