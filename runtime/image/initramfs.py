"""Writes the archive that a kernel unpacks into its first root (cpio, “newc”)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALIGN = 4


class Entry(NamedTuple):
    """One file or folder, owned by root.

    Attributes:
        name: its path, without a slash at the start.
        mode: kind and rights, as stat(2) gives them.
        data: what is in it.
    """

    name: str
    mode: int
    data: bytes = b""


def archive(entries: Sequence[Entry]) -> bytes:
    """The archive of these entries; a folder comes before what is in it.

    Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    parts = [_one(number, entry) for number, entry in enumerate(entries, start=1)]
    return b"".join(parts) + _one(0, Entry("TRAILER!!!", 0))


def _one(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if entry.mode & 0o40000 else 1
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGN)
