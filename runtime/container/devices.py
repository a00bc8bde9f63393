"""Device nodes for labs, on a file system of their own in the runtime's mount namespace.

The server's own can't be lent: outside of udev /dev/net/tun is root's alone, and a server in a
container has none.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from runtime.kernel import syscalls
from runtime.problems import Problem

# Name to major and minor number; everybody may open them. tun(4) asks for rights over the network
# that it is used in, so the node itself gives nothing.
_NUMBERS = {"/dev/net/tun": (10, 200)}
_OPTIONS = "mode=755,size=64k,nr_inodes=16"


class Devices:
    """The nodes of one instance.

    Args:
        path: where they are mounted, below a folder that a lab's root can walk through.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the nodes, as far as this machine lets us; call it in a mount namespace of ours."""
        self._path.mkdir(exist_ok=True)
        flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
        syscalls.mount("devices", str(self._path), "tmpfs", flags, _OPTIONS)
        for name, (major, minor) in _NUMBERS.items():
            node = self.node(name)
            with suppress(OSError):  # a container that may make none; `find` says so
                os.mknod(node, stat.S_IFCHR, os.makedev(major, minor))
                node.chmod(0o666)

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
        with suppress(OSError):  # not mounted
            syscalls.umount2(str(self._path), syscalls.MNT_DETACH)
        with suppress(FileNotFoundError):
            self._path.rmdir()
