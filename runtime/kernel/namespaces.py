"""Namespaces: make them, enter them, and a mount namespace of our own."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.kernel.forked import Talk
    from runtime.kernel.forker import Forker

_PATIENCE_S = 30  # the first call waits for a Python to start, on a slow machine seconds


@dataclass(frozen=True)
class Pair:
    """A user namespace and a network namespace that it owns; the holder closes both."""

    user_fd: int
    net_fd: int

    def close(self) -> None:
        """Let go of both; they live on while a process is in them."""
        os.close(self.user_fd)
        os.close(self.net_fd)


def own_mounts() -> None:
    """Give this process a mount namespace in which its mounts, and its unmounts, are its own.

    Call it before any thread is started: threads that exist already stay where they are.
    """
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)


def write_maps(pid: int, lines: Sequence[tuple[int, int, int]]) -> None:
    """Write the uid and gid map of a process that has just unshared its user namespace.

    Args:
        pid: the process.
        lines: first id inside, first id outside, how many. The kernel takes one write
            for each file.
    """
    text = "\n".join(" ".join(map(str, line)) for line in lines)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{pid}/{name}").write_text(text)


def share_root(forker: Forker, pid: int) -> None:
    """Make the root of a process's mount namespace a shared mount, where it isn't one.

    Args:
        forker: makes the child that goes there.
        pid: the process, the server's.
    """
    mounts = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    # The point is the fifth field, and how it is shared stands after the sixth.
    if any(line.split()[4] == "/" and " shared:" in line for line in mounts):
        return
    namespace_fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    try:
        with forker.call(_share_root, {}, [namespace_fd]) as talk:
            talk.receive(_PATIENCE_S)
    finally:
        os.close(namespace_fd)


def _share_root(talk: Talk, _args: dict[str, Any], fds: list[int]) -> None:
    syscalls.setns(fds[0], syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", "", syscalls.MS_SHARED)
    talk.send({})


def make_pair(
    forker: Forker, base: int, count: int = 65536, most: dict[str, int] | None = None
) -> Pair:
    """Make a lab's user namespace, and a network namespace that belongs to it.

    The second must be made from within the first: crun binds the host's /sys writable into a
    container whose network belongs to another user namespace, and runc refuses it. The maps are
    written in between, so that root inside owns what the kernel makes along with the network.

    Args:
        forker: makes the child that is their first inhabitant.
        base: the server's id of root inside.
        count: how many ids are mapped; 65534 must be among them, or `su nobody` fails.
        most: how many namespaces of a kind (`user`, `net`, …) there may be in it and below, whoever
            makes them; the kernel counts each user apart, so they are counted in a user namespace
            around it, where all are one: the lab's.

    Source: namespaces(7), “The /proc/sys/user directory”.
    """
    with forker.call(_unshare_pair, {"maker": base, "count": count, "most": most}) as talk:
        message, _ = talk.receive(_PATIENCE_S)
        write_maps(message["pid"], [(0, base, count)])
        talk.send({})
        _, fds = talk.receive(_PATIENCE_S)
    return Pair(fds[0], fds[1])


def may_set_ipc(forker: Forker, base: int, count: int = 65536) -> bool:
    """Whether root of a user namespace may write the settings of an ipc namespace that it owns.

    Older kernels (6.1 does) refuse everybody but the server's root, which an OCI runtime isn't any
    more when it sets them.

    Args:
        forker: makes the child that tries.
        base: the server's id of root inside.
        count: how many ids are mapped.
    """
    with forker.call(_try_ipc, {"maker": base}) as talk:
        message, _ = talk.receive(_PATIENCE_S)
        write_maps(message["pid"], [(0, base, count)])
        talk.send({})
        answer, _ = talk.receive(_PATIENCE_S)
    return bool(answer["may"])


def _try_ipc(talk: Talk, args: dict[str, Any], _fds: list[int]) -> None:
    _unshare_user(talk, args["maker"])
    syscalls.unshare(syscalls.CLONE_NEWIPC)
    talk.send({"may": os.access("/proc/sys/kernel/shmmni", os.W_OK, effective_ids=True)})


def make_map(forker: Forker, maker: int, lines: Sequence[tuple[int, int, int]]) -> int:
    """Make a user namespace that is nobody's home: a translation, for an id-mapped mount.

    Args:
        forker: makes the child that writes it.
        maker: the server's id under which the kernel counts it.
        lines: as of `write_maps`.

    Returns:
        Its descriptor, the caller's.
    """
    with forker.call(_make_map, {"maker": maker}) as talk:
        message, _ = talk.receive(_PATIENCE_S)
        write_maps(message["pid"], lines)
        talk.send({})
        _, fds = talk.receive(_PATIENCE_S)
    return fds[0]


def _make_map(talk: Talk, args: dict[str, Any], _fds: list[int]) -> None:
    _unshare_user(talk, args["maker"])
    user_fd = os.open("/proc/self/ns/user", os.O_RDONLY)
    talk.send({}, [user_fd])


def _unshare_user(talk: Talk, maker: int) -> None:
    """Make a user namespace as one's own id; on return its maps are written."""
    # Capabilities outlive the change of the id, since some kernels let nobody else make one.
    syscalls.prctl(syscalls.PR_SET_SECUREBITS, syscalls.SECBIT_NO_SETUID_FIXUP)
    os.seteuid(maker)
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    talk.send({"pid": os.getpid()})
    talk.receive()


def _nest(count: int) -> None:
    """Go into a user namespace within ours that has the same ids.

    Only who is in ours may write its map, so a child is left there to do it.
    """
    os.setegid(0)  # of ours: who has no name in a namespace makes none in it
    ready, go = os.pipe()
    ours = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            os.close(go)
            if os.read(ready, 1):
                write_maps(ours, [(0, 0, count)])
                os._exit(0)
        finally:
            os._exit(1)
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # else our files in /proc are the server root's
    os.write(go, b"x")
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise OSError(errno.EPERM, "the map of a nested user namespace could not be written")


def _unshare_pair(talk: Talk, args: dict[str, Any], _fds: list[int]) -> None:
    _unshare_user(talk, args["maker"])
    if args["most"]:
        for kind, most in args["most"].items():
            Path(f"/proc/sys/user/max_{kind}_namespaces").write_text(str(most))
        _nest(args["count"])
    syscalls.unshare(syscalls.CLONE_NEWNET)
    with ExitStack() as opened:
        fds = []
        for kind in ("user", "net"):
            fds.append(os.open(f"/proc/self/ns/{kind}", os.O_RDONLY))
            opened.callback(os.close, fds[-1])
        talk.send({}, fds)
