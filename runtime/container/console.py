"""A program's terminal in the hands of whoever asked for the program.

crun can copy both ways itself. But the one of Debian 12 may drop what a short program said last, as
it stops when the program does, and none follows the size of the caller's window.
"""

from __future__ import annotations

import os
import select
import struct
import termios
from contextlib import ExitStack, suppress
from fcntl import ioctl
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_BYTES = 4096
_LOOK_MS = 250  # a window that was resized is noticed by then, and a caller that left
_SIZE = struct.Struct("HHHH")


class Size(NamedTuple):
    """Of a screen, in characters."""

    rows: int
    cols: int


def size_of(terminal_fd: int) -> Size:
    """What its window has; the usual one where it has none."""
    rows = cols = 0
    with suppress(OSError):
        rows, cols, _, _ = _SIZE.unpack(ioctl(terminal_fd, termios.TIOCGWINSZ, bytes(_SIZE.size)))
    return Size(rows or 24, cols or 80)


def set_size(stream_fd: int, size: Size) -> None:
    """Give a terminal a size; its program hears SIGWINCH where that is a new one."""
    ioctl(stream_fd, termios.TIOCSWINSZ, _SIZE.pack(*size, 0, 0))


def leave_flowing(stream_fd: int) -> None:
    """Let Ctrl-S be a key as any other, as it is in most programs that draw a whole screen.

    It would stop all output until Ctrl-Q. In a browser people press the one to save a page, and the
    other, where it doesn't close the browser, is known to few.

    Source: termios(3), IXON.
    """
    attributes = termios.tcgetattr(stream_fd)
    attributes[0] &= ~termios.IXON
    termios.tcsetattr(stream_fd, termios.TCSANOW, attributes)


def carry(stream_fd: int, fds: tuple[int, int], pid: int, is_gone: Callable[[], bool]) -> None:
    """Carry keys and output until the terminal has closed, or its program ended and all is shown.

    Args:
        stream_fd: the pty's master; stays the caller's, and doesn't block any more.
        fds: where keys come from and output goes to; whoever they belong to made them raw.
        pid: a child of ours that lives as long as the program.
        is_gone: whether whoever asked has left.
    """
    os.set_blocking(stream_fd, False)
    with ExitStack() as undo:
        keyboard_fd, screen_fd = _own(fds[0], os.O_RDONLY), _own(fds[1], os.O_WRONLY)
        pidfd = os.pidfd_open(pid)
        for fd in (keyboard_fd, screen_fd, pidfd):
            undo.callback(os.close, fd)
        keys, shown = _Way(keyboard_fd, stream_fd), _Way(stream_fd, screen_fd)
        size, has_ended = size_of(keyboard_fd), False
        while shown.is_open and not is_gone():
            ready = _wait([keys, shown], -1 if has_ended else pidfd)
            if has_ended and not shown.held and stream_fd not in ready:
                break
            has_ended = has_ended or pidfd in ready
            keys.go()
            shown.go()
            if (now := size_of(keyboard_fd)) != size:
                size = now
                set_size(stream_fd, size)


class _Way:
    """One direction, with at most one piece on its way."""

    def __init__(self, from_fd: int, to_fd: int) -> None:
        self._from_fd, self._to_fd = from_fd, to_fd
        self.held = b""
        self.is_open = True

    @property
    def waits_for(self) -> tuple[int, int]:
        """Which descriptor must be in which state before it can go on."""
        return (self._to_fd, select.POLLOUT) if self.held else (self._from_fd, select.POLLIN)

    def go(self) -> None:
        """Carry what can be carried now."""
        if not self.is_open:
            return
        try:
            if not self.held:
                self.held = os.read(self._from_fd, _PIECE_BYTES)
                self.is_open = bool(self.held)
            self.held = self.held[os.write(self._to_fd, self.held) :]
        except BlockingIOError:
            pass
        except OSError:  # EIO: one of the two terminals is no more
            self.is_open, self.held = False, b""


def _wait(ways: list[_Way], pidfd: int) -> set[int]:
    """Until something can go on, or is to be looked at; a pidfd of -1 is of one that has ended."""
    masks: dict[int, int] = {} if pidfd < 0 else {pidfd: select.POLLIN}
    for fd, mask in (way.waits_for for way in ways if way.is_open):
        masks[fd] = masks.get(fd, 0) | mask
    poll = select.poll()
    for fd, mask in masks.items():
        poll.register(fd, mask)
    is_last = pidfd < 0 and not any(way.held for way in ways)
    return {fd for fd, _ in poll.poll(0 if is_last else _LOOK_MS)}


def _own(fd: int, flags: int) -> int:
    """The same file opened once more: that it doesn't block is then not its owner's matter."""
    return os.open(f"/proc/self/fd/{fd}", flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
