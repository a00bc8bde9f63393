"""Types into a shell of a lab as a learner would, and knows when the prompt is back."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runtime.client import Problem

if TYPE_CHECKING:
    from runtime.client import Client

_SHELL = ["setsid", "--ctty", "--wait", "bash", "-il"]
_ROWS, _COLS = 24, 80
_QUIET_S = 0.05
_READ_BYTES = 65536
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]")
_PROMPT = re.compile(r"\S+@\S+:[^\n]*[$#] $")


class Typist:
    """A login shell on a pty of our own: the pump has the lab's terminals, and nobody shares them.

    Args:
        client: asked for `lab.exec`, so this needs root.
        lab: whose shell.
        patience_s: how long a command may take until its prompt is back.
    """

    def __init__(self, client: Client, lab: str, patience_s: float = 60) -> None:
        self._client = client
        self._lab = lab
        self._patience_s = patience_s
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", _ROWS, _COLS, 0, 0))
        self._thread = threading.Thread(target=self._shell, daemon=True)
        self._at_prompt = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait_prompt("bash")
        self._at_prompt = os.tcgetpgrp(self._master)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._slave)
        os.close(self._master)  # hangs up: the shell ends, and with it the call that started it
        self._thread.join(self._patience_s)

    def run(self, command: str) -> str:
        """Type a command and Enter; what stands on the screen once the prompt is back."""
        self._type(command.replace("\n", "\r") + "\r")
        return self._wait_prompt(command)

    def start(self, command: str) -> None:
        """Type a command and Enter; return once its program is in front."""
        self._type(command + "\r")
        deadline = time.monotonic() + self._patience_s
        while not self._has_program():
            if time.monotonic() > deadline:
                raise _stuck(command, "no program came to the front")
            self._read(_QUIET_S)

    def press(self, keys: str) -> None:
        """Press keys, given as the bytes that they send, and wait for the prompt."""
        self._type(keys)
        self._wait_prompt(repr(keys))

    def _has_program(self) -> bool:
        """Whether a program is in front, and no longer the shell's fork that is to become it.

        That fork still has the shell's own answer to Ctrl-C, so a key pressed then is lost.
        """
        group = os.tcgetpgrp(self._master)
        if group == self._at_prompt:
            return False
        with suppress(OSError):  # it has ended already
            return Path(f"/proc/{group}/comm").read_text() != "bash\n"
        return False

    def _shell(self) -> None:
        fds = (self._slave, self._slave, self._slave)
        self._client.lab_exec(self._lab, _SHELL, user="learner", fds=fds)

    def _type(self, text: str) -> None:
        self._read(0)
        os.write(self._master, text.encode())

    def _wait_prompt(self, what: str) -> str:
        screen = ""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            new = self._read(_QUIET_S)
            screen += new
            shown = _ESCAPES.sub("", screen)
            if not new and _PROMPT.search(shown):
                return shown
        raise _stuck(what, f"the prompt wasn't back after {self._patience_s:.0f} s")

    def _read(self, wait_s: float) -> str:
        readable, _, _ = select.select([self._master], [], [], wait_s)
        return os.read(self._master, _READ_BYTES).decode(errors="replace") if readable else ""


def _stuck(command: str, what: str) -> Problem:
    return Problem("command-stuck", f"After `{command}`, {what}.", "Does the solution leave it?")
