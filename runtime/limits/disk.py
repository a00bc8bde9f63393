"""A lab's own disk: an ext4 image of fixed size, so that neither bytes nor inodes can run over.

The limit is a file system's, so it holds for root inside and `df` tells the truth. Every block of
the image is allocated before the lab begins: what fsync(2) has promised a learner can't be lost
because the server's disk has filled up meanwhile. It costs three milliseconds: the image is a copy
of a template, of which only some 60 KiB aren't holes.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import loop, spawn, syscalls
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.limits.amounts import Limits

log = structlog.get_logger()

IMAGE = "disk.img"
MOUNT_POINT = "disk"
_BLOCK_BYTES = 4096
_INODE_BYTES = 256
_TABLES_BYTES = 2 << 20  # superblock, group descriptors, bitmaps
_TEMPLATES_KEPT = 16
# Without a journal, since no lab outlives a crash of the server: that saves a kernel thread and
# memory for each. fsync(2) writes through all the same.
_FEATURES = (
    "none,extent,flex_bg,huge_file,dir_nlink,extra_isize,metadata_csum,sparse_super,filetype,"
    "large_file,dir_index,ext_attr"
)
# The template's inode tables are holes, read as zeros: nobody need write them.
_OPTIONS = "noinit_itable,errors=remount-ro"


class Disks:
    """Makes and mounts the disks of one instance's labs.

    Attributes:
        refusal: why no lab can have a disk of its own here; empty where it can.

    Args:
        templates: a folder for templates, on the same file system as the labs' folders.
    """

    def __init__(self, templates: Path) -> None:
        self._templates = templates
        self._devices_fd = -1
        self.refusal = "not tried yet"

    def prepare(self) -> None:
        """Find out whether this machine lets us; call it in the mount namespace that labs start in.

        Where it doesn't (a container without rights to loop devices), labs get a plain folder, and
        `doctor` says so.
        """
        self._templates.mkdir(parents=True, exist_ok=True)
        try:
            self._devices_fd = loop.devices()
            loop.try_one(self._devices_fd)
        except OSError as error:
            self.refusal = error.strerror or str(error)
            log.warning("disks.not_limited", reason=self.refusal)
        else:
            self.refusal = ""

    def close(self) -> None:
        """Let go of what `prepare` opened."""
        if self._devices_fd >= 0:
            os.close(self._devices_fd)
            self._devices_fd = -1

    def mount(self, folder: Path, limits: Limits, name: str) -> Path:
        """Make a lab's disk and mount it; the layer that it writes goes in there.

        Unmount it (`unmount`) once the container runs, which holds a mount of its own: with the
        container's last process the disk is free, whatever has become of us.

        Args:
            folder: the lab's.
            limits: its size.
            name: what losetup(8) calls it.

        Raises:
            Problem: `server-full` where the disk has no room for it.
            OSError: whatever else the kernel says.
        """
        place = folder / MOUNT_POINT
        place.mkdir()
        if self.refusal:
            return place
        image_fd = self._make_image(folder / IMAGE, limits)
        try:
            with loop.attached(image_fd, self._devices_fd, name) as device:
                syscalls.mount(device, str(place), "ext4", 0, _OPTIONS)
        finally:
            os.close(image_fd)
        return place

    def needs_bytes(self, limits: Limits) -> int:
        """What a lab's disk takes of the server's."""
        return 0 if self.refusal else image_bytes(limits)

    def _make_image(self, path: Path, limits: Limits) -> int:
        template_fd = self._open_template(limits)
        try:
            image_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(image_fd, 0, image_bytes(limits))
                _copy_data(template_fd, image_fd)
            except OSError as error:
                os.close(image_fd)
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise _no_room(limits) from error
                raise
        finally:
            os.close(template_fd)
        return image_fd

    def _open_template(self, limits: Limits) -> int:
        path = self._templates / f"{limits.disk_bytes}-{limits.inodes}"
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._make_template(path, limits)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _make_template(self, path: Path, limits: Limits) -> None:
        """Make a template beside its place, then rename it: nobody meets half of one."""
        new = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
        new.touch(mode=0o600)
        os.truncate(new, image_bytes(limits))
        geometry = ["-b", str(_BLOCK_BYTES), "-I", str(_INODE_BYTES), "-N", str(limits.inodes)]
        features = ["-m", "0", "-O", _FEATURES, "-E", "lazy_itable_init=1,nodiscard"]
        try:
            spawn.run(["mke2fs", "-q", "-F", "-t", "ext4", *geometry, *features, str(new)])
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        self._forget_old()

    def _forget_old(self) -> None:
        paths = sorted(self._templates.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in paths[:-_TEMPLATES_KEPT]:
            path.unlink(missing_ok=True)


def device(folder: Path) -> int | None:
    """The device number of a lab's disk while it is mounted here; None where it has none."""
    place = folder / MOUNT_POINT
    return place.stat().st_dev if (folder / IMAGE).exists() else None


def unmount(folder: Path) -> None:
    """Take a lab's disk out of this mount namespace; the container keeps its own."""
    with suppress(OSError):  # not mounted
        syscalls.umount2(str(folder / MOUNT_POINT), syscalls.MNT_DETACH)


def image_bytes(limits: Limits) -> int:
    """How large an image is whose files may take `disk_bytes`: ext4's own tables come on top."""
    files = limits.disk_bytes + limits.disk_bytes // 40  # ext4 keeps a fiftieth for itself
    tables = limits.inodes * _INODE_BYTES + _TABLES_BYTES
    return (files + tables + _BLOCK_BYTES - 1) // _BLOCK_BYTES * _BLOCK_BYTES


def files_bytes(image: int, inodes: int) -> int:
    """The `disk_bytes` of a lab whose image is to be so large; the way back of `image_bytes`.

    Args:
        image: bytes.
        inodes: of the same lab.
    """
    blocks = image // _BLOCK_BYTES * _BLOCK_BYTES
    files = max(0, blocks - inodes * _INODE_BYTES - _TABLES_BYTES)
    return files - (files + 1) // 41


def _copy_data(source_fd: int, target_fd: int) -> None:
    """Copy what isn't a hole."""
    end = 0
    while True:
        try:
            start = os.lseek(source_fd, end, os.SEEK_DATA)
        except OSError:  # ENXIO: holes from here on
            return
        end = os.lseek(source_fd, start, os.SEEK_HOLE)
        os.lseek(target_fd, start, os.SEEK_SET)
        while start < end:
            start += os.sendfile(target_fd, source_fd, start, end - start)


def _no_room(limits: Limits) -> Problem:
    return Problem(
        "server-full",
        "This server is full: its disk has no room for another lab's "
        f"{limits.disk_bytes >> 20} MB.",
        "Wait until a lab ends, or make room on the disk.",
        what="disk",
        needs_bytes=image_bytes(limits),
    )
