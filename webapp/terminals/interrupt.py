"""Ctrl-C that passes by what was typed before it and nobody has read.

A terminal takes its input in order, and none of it while 4 KiB of lines lie unread: behind a page
that was pasted into a program that doesn't read, a Ctrl-C would wait for ever. The kernel throws
away what is unread when it comes to an interrupt (termios(3), NOFLSH); here that is done before it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from contextlib import suppress

_TIOCGPTPEER = 0x5441  # ioctl_tty(2): the slave's end, wherever its node is
_OPEN = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
_LFLAG, _CHARACTERS = 3, 6  # of what tcgetattr gives
_SIGNALS = {b"\x03": termios.VINTR, b"\x1a": termios.VSUSP, b"\x1c": termios.VQUIT}


def makes_way(stream_fd: int, key: bytes) -> bool:
    """Throw away what is unread, where this key will; whether there was any.

    Args:
        stream_fd: the pty's master.
        key: what is typed; mostly no interrupt at all.
    """
    if key not in _SIGNALS:
        return False
    with suppress(OSError, termios.error):  # its last program is gone
        return _interrupts(stream_fd, key) and _throw_away(stream_fd)
    return False


def _interrupts(stream_fd: int, key: bytes) -> bool:
    """Whether the key is an interrupt in this terminal, and not one as any other (vim's)."""
    attributes = termios.tcgetattr(stream_fd)
    flags, characters = attributes[_LFLAG], attributes[_CHARACTERS]
    is_on = bool(flags & termios.ISIG) and not flags & termios.NOFLSH
    return is_on and bool(characters[_SIGNALS[key]] == key)


def _throw_away(stream_fd: int) -> bool:
    slave_fd = fcntl.ioctl(stream_fd, _TIOCGPTPEER, _OPEN)
    try:
        (unread,) = struct.unpack("i", fcntl.ioctl(slave_fd, termios.FIONREAD, b"\0" * 4))
        termios.tcflush(stream_fd, termios.TCOFLUSH)  # under way to the program, and not there yet
        termios.tcflush(slave_fd, termios.TCIFLUSH)
    finally:
        os.close(slave_fd)
    return bool(unread)
