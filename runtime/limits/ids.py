"""Blocks of user ids, claimed for the whole machine: no two labs of any server share an id.

A claim is a symbolic link `/run/slipway/ids/NUMBER` that points at its owner's name; making one is
atomic and fails where it exists, so no lock is held by anybody. A reboot forgets them, as it ends
the labs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from runtime.instance import SHARED
from runtime.problems import Problem

CLAIMS = SHARED / "ids"
FIRST_ID = 0x40000000  # far above people, distributions and the usual /etc/subuid
BLOCK_IDS = 0x20000  # 65536 in the lab's map, then one for checks, one for its machine
_LAST_BLOCK = (0xF0000000 - FIRST_ID) // BLOCK_IDS
_SUBIDS = (Path("/etc/subuid"), Path("/etc/subgid"))


def claim(owner: str, claims: Path = CLAIMS) -> int:
    """Claim a block; the same owner gets the same one again.

    Args:
        owner: `INSTANCE/WHAT`.
        claims: the folder that the whole machine shares; another one only in tests.

    Returns:
        Its first id.

    Raises:
        Problem: `ids-full`.
    """
    taken = claimed(claims)
    for number, name in taken.items():
        if name == owner:
            return base_of(number)
    reserved = _reserved(_SUBIDS)
    for number in range(_LAST_BLOCK):
        if number in taken or _overlaps(number, reserved):
            continue
        claims.mkdir(parents=True, exist_ok=True)  # whoever gives the last one back removes it
        with suppress(FileExistsError):
            (claims / str(number)).symlink_to(owner)
            return base_of(number)
    raise Problem(
        "ids-full",
        "This machine has no user ids left for another lab.",
        "End labs that nobody needs with `./slipway lab rm`.",
    )


def release(owner: str, claims: Path = CLAIMS) -> None:
    """Give a block back; nothing happens for an owner that has none."""
    for number, name in claimed(claims).items():
        if name == owner:
            (claims / str(number)).unlink(missing_ok=True)


def claimed(claims: Path = CLAIMS) -> dict[int, str]:
    """Every claimed block and its owner, of all servers of this machine."""
    found: dict[int, str] = {}
    try:
        folder_fd = os.open(claims, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return found
    try:
        for name in os.listdir(folder_fd):  # noqa: PTH208 - each lab reads all: paths are slow
            with suppress(OSError, ValueError):  # given back since it was listed, or not ours
                found[int(name)] = os.readlink(name, dir_fd=folder_fd)
    finally:
        os.close(folder_fd)
    return found


def base_of(number: int) -> int:
    """The first id of a block."""
    return FIRST_ID + number * BLOCK_IDS


def _reserved(files: tuple[Path, ...]) -> list[tuple[int, int]]:
    ranges = []
    for path in files:
        with suppress(FileNotFoundError):
            for line in path.read_text().splitlines():
                _, _, rest = line.partition(":")
                first, _, count = rest.partition(":")
                if first.isdigit() and count.isdigit():
                    ranges.append((int(first), int(first) + int(count)))
    return ranges


def _overlaps(number: int, ranges: list[tuple[int, int]]) -> bool:
    first = base_of(number)
    return any(first < end and start < first + BLOCK_IDS for start, end in ranges)
