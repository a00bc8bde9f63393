"""Device nodes for labs: a /dev of each lab's own, and what profiles add to it.

The server's own can't be lent. Whoever may open a file may watch it (inotify(7)), all who use it,
and each watch costs these a little more: a hundred on /dev/null made it forty times slower, for
everybody. And outside of udev /dev/net/tun is root's alone; a server in a container has none.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from runtime.kernel import beneath, syscalls
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger()

# Name to major and minor number; everybody may open them. tun(4) asks for rights over the network
# that it is used in, so the node itself gives nothing.
_NUMBERS = {"/dev/net/tun": (10, 200)}
# What every container has, by the OCI's word; with the links below.
_EVERYWHERE = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}
_OPTIONS = "mode=755,size=64k,nr_inodes=16"


class Devices:
    """The nodes of one instance.

    Args:
        path: where they are mounted, below a folder that a lab's root can walk through.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._covered: list[str] = []

    def prepare(self) -> None:
        """Make the nodes, as far as this machine lets us; call it in a mount namespace of ours.

        There they stand for the server's: the OCI runtime lays /dev/null over what is hidden from
        labs, and process 1 has it as its input.
        """
        self._path.mkdir(exist_ok=True)
        flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
        syscalls.mount("devices", str(self._path), "tmpfs", flags, _OPTIONS)
        for name, (major, minor) in _NUMBERS.items():
            node = self.node(name)
            with suppress(OSError):  # a container that may make none; `find` says so
                os.mknod(node, stat.S_IFCHR, os.makedev(major, minor))
                node.chmod(0o666)
        with suppress(OSError):
            for name in _EVERYWHERE:
                self._cover(name)

    def _cover(self, name: str) -> None:
        with beneath.folder(self._path) as folder_fd:
            _make(folder_fd, name)
        syscalls.mount(str(self._path / name), f"/dev/{name}", "", syscalls.MS_BIND)
        self._covered.append(f"/dev/{name}")

    def lay(self, root: Path, entry: Mapping[str, Any], owner: int) -> Path | None:
        """Mount a /dev of a lab's own in its root, before its container starts.

        Args:
            root: where the lab's root is mounted.
            entry: what the profile says of it: `size_bytes`, `inodes` and `mode`.
            owner: the server's id of the lab's root.

        Returns:
            Where it is; None on a machine that lets us make no nodes.
        """
        tree_fd = _tree(entry, owner)
        try:
            for name in _EVERYWHERE:
                _make(tree_fd, name)
            for name, target in _LINKS.items():
                os.symlink(target, name, dir_fd=tree_fd)
            with beneath.folder(root) as root_fd:
                with suppress(FileExistsError):
                    os.mkdir("dev", 0o755, dir_fd=root_fd)
                place_fd = beneath.opened(root_fd, "dev", os.O_PATH | os.O_DIRECTORY)
                try:
                    syscalls.move_mount(tree_fd, place_fd, "")
                finally:
                    os.close(place_fd)
        except OSError as error:
            log.info("devices.lent", reason=error.strerror)
            return None
        finally:
            os.close(tree_fd)
        return root / "dev"

    def node(self, name: str) -> Path:
        """Where the node for a device is, if this machine let us make it."""
        return self._path / Path(name).name

    def find(self, name: str) -> Path:
        """The node that stands for a device in a lab.

        Raises:
            Problem: `device-missing`.
        """
        node = self.node(name)
        if not node.exists():
            raise Problem(
                "device-missing",
                f"This server can't give a lab {name}, which its profile needs.",
                "Where Slipway runs in a container, start that with the capability MKNOD.",
                device=name,
            )
        return node

    def close(self) -> None:
        """Take them away; labs keep theirs."""
        for covered in (*self._covered, str(self._path)):
            with suppress(OSError):  # not mounted
                syscalls.umount2(covered, syscalls.MNT_DETACH)
        self._covered.clear()
        with suppress(FileNotFoundError):
            self._path.rmdir()


def _tree(entry: Mapping[str, Any], owner: int) -> int:
    """An empty file system for a lab's /dev, mounted nowhere yet; the caller closes it."""
    options = {
        "size": entry["size_bytes"],
        "nr_inodes": entry["inodes"],
        "mode": entry["mode"],
        "uid": owner,
        "gid": owner,
    }
    fs_fd = syscalls.fsopen("tmpfs")
    try:
        for name, value in options.items():
            syscalls.fsconfig_string(fs_fd, name, str(value))
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd, syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NOEXEC)
    finally:
        os.close(fs_fd)


def _make(folder_fd: int, name: str) -> None:
    os.mknod(name, stat.S_IFCHR, os.makedev(*_EVERYWHERE[name]), dir_fd=folder_fd)
    os.chmod(name, 0o666, dir_fd=folder_fd)  # noqa: S103 - they give nothing
