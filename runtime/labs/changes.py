"""What a learner changed in their lab, packed for them to keep.

A file belongs to it whose inode changed since the lab was ready: that time can't be set from
within. The server reads it as the learner's programs see it, by `kernel/beneath.py`: no link is
followed, no other mount is entered (of /proc, of tmpfs, of what an engine stores), and nothing is
opened but what is a file.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from runtime.container.bundle import MAPPED_IDS
from runtime.kernel import beneath

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from runtime.labs.state import Lab

TOP = "work"
STALLED_S = 60.0
"""Who takes nothing for so long gets no more."""
IN_MACHINE = (
    'find / -xdev \\( -type f -o -type l \\) -newerct "@$1" -print0 | '
    f"tar -cz --null --files-from=- --transform='flags=r;s,^/*,{TOP}/,' --ignore-failed-read"
)
"""The same in a machine, since when it started, by its own tools: its learner is root there.

Its own word for when it booted moves by as long as a pause was.
"""
_LEFT_OUT = f"{TOP}/LEFT-OUT.txt"
_BLOCK_BYTES = 512
_HOLES_BYTES = 1 << 20  # that a file may have beyond what its blocks hold
_PASSED_OVER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENXIO}


class Outlet:
    """Where an archive goes: a socket that somebody reads. Only written to, front to back.

    Args:
        sock: stays the caller's; it gets a timeout.
        is_gone: whether who asked has left.
    """

    def __init__(self, sock: socket.socket, is_gone: Callable[[], bool]) -> None:
        self._sock = sock
        self._sock.settimeout(STALLED_S)
        self._is_gone = is_gone

    def write(self, data: bytes) -> int:
        """Sends all of it.

        Raises:
            OSError: nobody takes it.
        """
        if self._is_gone():
            raise BrokenPipeError
        self._sock.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def pack_lab(lab: Lab, outlet: Outlet) -> None:
    """Pack what was changed in a lab's container.

    Raises:
        OSError: nobody takes it, or the lab ended meanwhile.
    """
    ready_at = lab.created_at + sum(lab.stages_ms.values()) / 1000
    pack(Path(f"/proc/{lab.pid}/root/."), ready_at, lab.uid_base, outlet)


def pack(top: Path, since: float, uid_base: int, outlet: Outlet) -> None:
    """Pack what was changed below a folder: a tar, by gzip, all of it below `work/`.

    What can't be packed is named in a file at its end: what has more holes than bytes (it would
    unpack to more than anybody has room for), and what is neither a file, nor a folder, nor a link.

    Args:
        top: the folder.
        since: unix seconds.
        uid_base: the server's id of who is root there.
        outlet: where to.

    Raises:
        OSError: nobody takes it, or the folder is gone.
    """
    left_out: list[str] = []
    with (
        gzip.GzipFile(fileobj=cast("BinaryIO", outlet), mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        beneath.folder(f"{top}/.") as top_fd,
    ):
        for name, found in _changed(top_fd, since, left_out):
            try:
                why = _add(archive, top_fd, _member(name, found, uid_base))
            except OSError as error:
                if error.errno not in _PASSED_OVER:
                    raise
                continue  # it has gone meanwhile, or is another one
            archive.members = []  # type: ignore[attr-defined] # it would keep all of them
            if why:
                left_out.append(f"{name}: {why}")
        if left_out:
            text = "\n".join([*left_out, ""]).encode(errors="surrogateescape")
            note = tarfile.TarInfo(_LEFT_OUT)
            note.size = len(text)
            archive.addfile(note, io.BytesIO(text))


def _changed(
    top_fd: int, since: float, left_out: list[str]
) -> Iterator[tuple[str, os.stat_result]]:
    """Everything that was changed, folders before what is in them.

    Not by recursion: a learner may nest folders deeper than Python goes.
    """
    folders = ["."]
    while folders:
        folder = folders.pop()
        try:
            with beneath.scanned(top_fd, folder, one_mount=True) as entries:
                for entry in entries:
                    name = f"{folder}/{entry.name}"
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # it has gone; the others of the folder haven't
                        continue
                    if stat.S_ISDIR(found.st_mode):
                        folders.append(name)
                    if found.st_ctime >= since:
                        yield name.removeprefix("./"), found
        except OSError as error:
            if error.errno not in _PASSED_OVER:
                left_out.append(f"{folder}: {error.strerror}")  # a path that is too long


def _member(name: str, found: os.stat_result, uid_base: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{TOP}/{name}")
    member.mode = stat.S_IMODE(found.st_mode) & 0o777  # nobody unpacks a set-user-id program
    member.mtime = int(found.st_mtime)
    member.uid = found.st_uid - uid_base if 0 <= found.st_uid - uid_base < MAPPED_IDS else 65534
    member.gid = found.st_gid - uid_base if 0 <= found.st_gid - uid_base < MAPPED_IDS else 65534
    kinds = {stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFDIR: tarfile.DIRTYPE}
    kinds[stat.S_IFREG] = tarfile.REGTYPE
    member.type = kinds.get(stat.S_IFMT(found.st_mode), tarfile.FIFOTYPE)
    return member


def _add(archive: tarfile.TarFile, top_fd: int, member: tarfile.TarInfo) -> str:
    """Adds one thing, or says why not.

    Raises:
        OSError: nobody takes it; or it has gone meanwhile.
    """
    name = member.name.removeprefix(f"{TOP}/")
    if member.isdir():
        archive.addfile(member)
    elif member.issym():
        try:
            member.linkname = _target(top_fd, name)
        except OSError as error:
            return _why_not(error)
        archive.addfile(member)
    elif member.isreg():
        return _add_file(archive, top_fd, member, name)
    else:
        return "neither a file, nor a folder, nor a link"
    return ""


def _target(top_fd: int, name: str) -> str:
    folder, _, last = f"./{name}".rpartition("/")
    folder_fd = beneath.opened(top_fd, folder, os.O_PATH | os.O_DIRECTORY, one_mount=True)
    try:
        return os.readlink(last, dir_fd=folder_fd)
    finally:
        os.close(folder_fd)


def _add_file(archive: tarfile.TarFile, top_fd: int, member: tarfile.TarInfo, name: str) -> str:
    # A FIFO that took the file's place would wait for a writer without O_NONBLOCK.
    try:
        fd = beneath.opened(top_fd, name, os.O_RDONLY | os.O_NONBLOCK, one_mount=True)
    except OSError as error:
        return _why_not(error)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)  # fdopen closes no folder that it refuses
        return "another thing took its place"
    with os.fdopen(fd, "rb") as file:
        if found.st_size > found.st_blocks * _BLOCK_BYTES + _HOLES_BYTES:
            return f"has {found.st_size} bytes, mostly holes"
        member.size = found.st_size
        archive.addfile(member, cast("BinaryIO", _Steady(file, found.st_size)))
    return ""


def _why_not(error: OSError) -> str:
    """Why one thing can't be packed, such as too long a path, or a lease that somebody holds.

    Raises:
        OSError: it has gone meanwhile.
    """
    if error.errno in _PASSED_OVER:
        raise error
    return str(error.strerror)


class _Steady:
    """A file as long as it was when it was looked at; what was cut off meanwhile is zeros."""

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file = file
        self._left = size_bytes

    def read(self, count: int = -1) -> bytes:
        """The next bytes; exactly as many as were asked for, while there are some."""
        count = self._left if count < 0 else min(count, self._left)
        self._left -= count
        return self._file.read(count).ljust(count, b"\0")
