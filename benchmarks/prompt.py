"""Waiting for the first prompt on a pty, the same for everybody who is measured."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROMPT = re.compile(rb"[$#] ")
_DEADLINE_S = 60


def wait_for_prompt(stream_fd: int) -> None:
    """Read until a prompt is there."""
    deadline = time.monotonic() + _DEADLINE_S
    said = b""
    while not PROMPT.search(said):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([stream_fd], [], [], left_s)[0]:
            raise TimeoutError(f"no prompt, but {said[-300:]!r}")
        said += os.read(stream_fd, 4096)


def time_to_prompt_ms(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """Start a program on a new pty, as a person's terminal would, until it shows a prompt.

    Its shell is told to end afterwards, and waited for.
    """
    master_fd, slave_fd = pty.openpty()
    started = time.perf_counter()
    program = subprocess.Popen(
        argv, stdin=slave_fd, stdout=slave_fd, stderr=slave_fd, env=dict(env), process_group=0
    )
    os.close(slave_fd)
    try:
        wait_for_prompt(master_fd)
        took_s = time.perf_counter() - started
        os.write(master_fd, b"exit\n")
        program.wait(_DEADLINE_S)
    finally:
        program.kill()
        program.wait()
        os.close(master_fd)
    return took_s * 1000
