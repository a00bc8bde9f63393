"""Runs a check: the pristine image as its root, the learner's lab before its eyes, out of reach.

What a check may count on is fixed: it starts in `/` as user 70000 with a PATH, LANG=C.UTF-8 and
HOME=/tmp, reads nothing from its input, finds the lab's root at `/lab` (read-only), sees the lab's
processes and network, and reads the runtime's facts as JSON on descriptor 3. It is run by its first
line, whatever its file's mode was.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from runtime.labs import inside, processes
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.machine.agent import Agent

log = structlog.get_logger()

OUTPUT_BYTES = 8 << 10
LONGEST_S = 30.0
AT_ONCE = 16  # a check lies outside the limits of its lab, so together they have one of their own
_ENTER_S = 10.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Checks:
    """Runs checks; two on the same lab wait for each other, since what one leaves is swept away.

    Args:
        parts: the rooms.
        measured: what else a check may read of a lab: its `usage`, its `meter` and its `plan`.
    """

    def __init__(self, parts: Parts, measured: Callable[[Lab], dict[str, Any]]) -> None:
        self._parts = parts
        self._measured = measured
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._one_a_lab: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def run(
        self, lab: Lab, image_path: Path, script: str, facts: dict[str, Any], timeout_s: float
    ) -> dict[str, Any]:
        """Run one check on a lab.

        Args:
            lab: a lab that is ready.
            image_path: the image it was made from: the check's root.
            script: its text; the first line says what runs it.
            facts: the caller's part of what descriptor 3 says: `answers`, `presses`.
            timeout_s: after it the check and all that it started are killed.

        Returns:
            `code`, `stdout`, `stderr` (the first 8 KiB of each) and `ms`; code 126 where the first
            line names no program of the image.

        Raises:
            Problem: `check-timed-out`, `check-not-entered`: the check broke, which is never the
                learner's mistake.
        """
        started = time.perf_counter()
        with self._one_a_lab[lab.id], self._room, ExitStack() as opened:
            known = json.dumps(self._facts(lab, facts))
            makers: tuple[Callable[[], int], ...] = (
                lambda: os.pidfd_open(lab.pid),
                lambda: _memfd("facts", known),
                lambda: _memfd("check", script),
                lambda: os.memfd_create("stdout", os.MFD_CLOEXEC),
                lambda: os.memfd_create("stderr", os.MFD_CLOEXEC),
            )
            fds = []
            for make in makers:  # one by one, so that none is left open when the next one fails
                fds.append(make())
                opened.callback(os.close, fds[-1])
            args = {
                "image": str(image_path),
                "scratch": str(_scratch(self._parts)),
                "uid_base": lab.uid_base,
                "check_uid": lab.check_uid,
                "timeout_s": timeout_s,
            }
            code = _ask(self._parts, lab, args, fds)
            return {
                "code": code,
                "stdout": _said(fds[3]),
                "stderr": _said(fds[4]),
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }

    def run_in_machine(
        self, lab: Lab, agent: Agent, script: str, facts: dict[str, Any], timeout_s: float
    ) -> dict[str, Any]:
        """Run one check in a lab's machine, by its process 1; answers as `run` does.

        Weaker: the pristine image is its root there too, but root of that kernel could fool it.
        Where the learner works in the machine alone, the check was written for a container, and
        has the longest time that there is: an emulated machine is several times slower.

        Raises:
            Problem: `check-timed-out`, `machine-ended`.
        """
        if lab.shape.in_machine:
            timeout_s = LONGEST_S
        started = time.perf_counter()
        said = {"O": b"", "E": b""}

        def hear(kind: str, data: bytes) -> None:
            said[kind] = (said[kind] + data)[:OUTPUT_BYTES]

        with self._one_a_lab[lab.id], self._room:
            known = json.dumps(self._facts(lab, facts)).encode()
            code = agent.run(
                "check", script.encode(), facts=known, on_output=hear, timeout_s=timeout_s
            )
        if code is None:
            raise _timed_out(lab, timeout_s)
        return {
            "code": code,
            "stdout": said["O"].decode(errors="replace"),
            "stderr": said["E"].decode(errors="replace"),
            "ms": round((time.perf_counter() - started) * 1000, 1),
        }

    def _facts(self, lab: Lab, given: dict[str, Any]) -> dict[str, Any]:
        return {**_facts(self._parts, lab, given), **self._measured(lab)}

    def forget(self, lab_id: str) -> None:
        """A lab is no more."""
        self._one_a_lab.pop(lab_id, None)


def _ask(parts: Parts, lab: Lab, args: dict[str, Any], fds: list[int]) -> int:
    with parts.forker.call(inside.check, args, fds) as talk:
        try:
            answer, _ = talk.receive(args["timeout_s"] + _ENTER_S)
        except OSError as error:
            log.warning("check.not_entered", lab=lab.id, error=str(error))
            raise Problem(
                "check-not-entered",
                "The check could not be started in this lab.",
                "Try once more; the server's log has the reason.",
                lab=lab.id,
            ) from error
    code: int | None = answer["code"]
    if code is None:
        raise _timed_out(lab, args["timeout_s"])
    return code


def _timed_out(lab: Lab, timeout_s: float) -> Problem:
    return Problem(
        "check-timed-out",
        f"The check did not end within {timeout_s:g} seconds.",
        "Try once more; if it happens again, the check needs mending.",
        lab=lab.id,
    )


def _facts(parts: Parts, lab: Lab, given: dict[str, Any]) -> dict[str, Any]:
    return {
        **given,
        "address": lab.address,
        "boot_id": _BOOT_ID.read_text().strip(),
        "hostname": lab.hostname,
        "limits": {**asdict(lab.shape.limits), **asdict(parts.place.hits(lab.id))},
        "processes": processes.listed(parts.place, lab),
        "machine": lab.machine,
        "uid_base": lab.uid_base,
    }


def _scratch(parts: Parts) -> Path:
    # An empty folder to mount on; what is mounted there is seen by the check's processes alone.
    scratch = parts.instance.run_path / "check"
    scratch.mkdir(exist_ok=True)
    return scratch


def _memfd(name: str, text: str) -> int:
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(fd), "w") as file:
        file.write(text)
    os.fchmod(fd, 0o555)  # a script is run by its first line, whatever its file's mode was
    os.lseek(fd, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def _said(fd: int) -> str:
    return os.pread(fd, OUTPUT_BYTES, 0).decode(errors="replace")
