"""Which program has the terminal: the shell itself, or one that it started.

Nobody tells; the kernel is asked whenever it may have changed, which costs less than a microsecond.
"""

from __future__ import annotations

import os


class Front:
    """What is in front of one pty's shell.

    Args:
        shell_pid: the shell's process, as the pump sees it; 0 where there is none (a console).

    Attributes:
        has_program: whether another program than the shell has the terminal; None: not known.
    """

    __slots__ = ("_shell_pid", "has_program")

    def __init__(self, shell_pid: int) -> None:
        self._shell_pid = shell_pid
        self.has_program: bool | None = None

    def look(self, stream_fd: int) -> bool:
        """Ask again; gives whether the answer is another one now.

        Args:
            stream_fd: the pty's master, on which the kernel tells the slave's foreground group.
        """
        before = self.has_program
        try:
            group = os.tcgetpgrp(stream_fd) if self._shell_pid else 0
        except OSError:  # no pty, or nobody has it
            group = 0
        self.has_program = group != self._shell_pid if group else None
        return self.has_program not in {None, before}
