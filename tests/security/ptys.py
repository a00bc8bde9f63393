"""Floods ptys that it makes itself, until somebody ends it: a program that runs in a lab.

Half of them print, and are read as fast as it comes. The others are typed into, a line without an
end, of which the kernel's worker takes each letter by itself to throw it away, and never rests.
Standard library only: it runs with the lab's own Python.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = 20
LINES = b"y\n" * 2048
LINE = b"y" * 65536


def write(fd: int, text: bytes) -> Never:
    """Write without end."""
    while True:
        os.write(fd, text)


def read(fd: int) -> Never:
    """Read without end."""
    while True:
        os.read(fd, 65536)


def child(run: Callable[[], Never]) -> None:
    """A process of its own."""
    if not os.fork():
        run()


def main() -> None:
    """Make them, and flood each."""
    for _ in range(PAIRS):
        near, far = os.openpty()
        child(partial(read, near))
        child(partial(write, far, LINES))
        near, _ = os.openpty()
        child(partial(write, near, LINE))
    os.wait()


if __name__ == "__main__":
    main()
