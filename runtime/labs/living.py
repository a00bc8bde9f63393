"""What is asked of one living lab, and what is run in it for somebody else than its learner."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from runtime.container import bundle
from runtime.labs import changes, processes, usage, walls
from runtime.labs.checks import Checks
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.store import Store
    from runtime.labs.compare.comparison import Comparison
    from runtime.labs.machines import Machines
    from runtime.labs.nested import Engines
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab, LabId
    from runtime.labs.watch import Watch


PREPARE_LONGEST_S = 300.0
_SAID_BYTES = 4096
_DIGITS = 6
PUT_LONGEST_S = 60.0
FILE_NAME = r"[^/\x00-\x1f\x7f.][^/\x00-\x1f\x7f]*"
FILE_NAME_MOST = 100
# What was there under that name goes only when all of the new one is there.
_PUT = (
    'mkdir -p ~/from-instructor && cd ~/from-instructor && cat > ".$0.part" && '
    'mv -fT ".$0.part" "$0"'
)


class Living:
    """Answers for one lab at a time; safe from any thread.

    Args:
        parts: what labs are made with.
        images: what they are made from.
        watch: knows how often a lab's disk was full.
        machines: theirs.
        engines: theirs.
        comparison: knows the figures of both halves.
    """

    def __init__(
        self,
        parts: Parts,
        images: Store,
        watch: Watch,
        machines: Machines,
        engines: Engines,
        comparison: Comparison,
    ) -> None:
        self._parts = parts
        self._images = images
        self._watch = watch
        self._machines = machines
        self._engines = engines
        self._comparison = comparison
        self._checks = Checks(parts, self._measured)

    def forget(self, lab_id: LabId) -> None:
        """The lab is no more."""
        self._checks.forget(lab_id)

    def check(
        self,
        lab: Lab,
        script: str,
        facts: dict[str, Any],
        timeout_s: float,
        *,
        in_machine: bool = False,
    ) -> dict[str, Any]:
        """Run a check on a lab, or in its machine (labs/checks.py).

        Raises:
            Problem: `check-timed-out`, `check-not-entered`, `machine-not-ready`, `machine-ended`.
        """
        if in_machine or lab.shape.in_machine:
            agent = self._machines.agent(lab.id)
            return self._checks.run_in_machine(lab, agent, script, facts, timeout_s)
        image = self._images.get(lab.shape.image)
        return self._checks.run(lab, image.rootfs_path, script, facts, timeout_s)

    def processes(self, lab: Lab) -> list[dict[str, Any]]:
        """What runs in a lab, as the server sees it."""
        return processes.listed(self._parts.place, lab)

    def usage(self, lab: Lab) -> dict[str, Any]:
        """What a lab uses, and of how much."""
        return usage.read(self._parts, lab, self._watch.disk_full(lab.id))

    def walls(self, lab: Lab) -> dict[str, Any]:
        """What a lab is made of (labs/walls.py)."""
        return walls.read(self._parts, lab, self.usage(lab))

    def execute(
        self,
        lab: Lab,
        argv: list[str],
        user: str,
        *,
        tty: bool,
        fds: tuple[int, int, int],
        is_gone: Callable[[], bool],
    ) -> int:
        """Run a program in a lab, on descriptors of the caller's, to its end.

        Args:
            lab: which.
            argv: the program; looked up in the lab's PATH.
            user: `root`, or `learner` for the image's user.
            tty: with a pty of its own; descriptor 0 is then a terminal.
            fds: input, output, errors; they stay the caller's.
            is_gone: whether who asked has left.

        Returns:
            Its exit code.
        """
        who = bundle.ROOT if user == "root" else lab.user
        profile = bundle.load_profile(lab.shape.profile)
        process = bundle.process(profile, who, argv, terminal=tty)
        return self._parts.crun.execute(lab.id, process, fds, is_gone)

    def prepare(
        self,
        lab: Lab,
        script: str,
        timeout_s: float,
        is_gone: Callable[[], bool],
        *,
        tell: Callable[[int], None],
        in_machine: bool = False,
    ) -> dict[str, Any]:
        """Run commands in a lab, or its machine, as its learner would have typed them.

        There is no terminal.

        What they start in the background goes on; when the time is over, the shell ends.

        Args:
            lab: which.
            script: for a login shell of the learner's.
            timeout_s: how long they may take, in seconds.
            is_gone: whether who asked has left.
            tell: hears each number that the script writes on a line of its descriptor 9.
            in_machine: in its machine, which has to be at its prompt.

        Returns:
            `code`, of the last command, and `is_over`: the time was over before they were.

        Raises:
            Problem: `machine-not-ready`, `machine-ended`.
        """
        deadline = time.monotonic() + timeout_s
        # Whatever holds an output of a program's in a machine is waited for.
        argv = ["/bin/bash", "-lc", f"exec 9>&1 </dev/null >/dev/null 2>&1\n{script}"]
        with Path(os.devnull).open("r+b") as nothing, _Numbers(tell) as numbers:
            fds = (nothing.fileno(), numbers.write_fd, nothing.fileno())

            def is_over() -> bool:
                numbers.read()
                return is_gone() or time.monotonic() > deadline

            if in_machine:
                code = self._machines.execute(lab.id, argv, "learner", fds, is_over)
            else:
                code = self.execute(lab, argv, "learner", tty=False, fds=fds, is_gone=is_over)
            numbers.read()
        return {"code": code, "is_over": time.monotonic() > deadline}

    def put(self, lab: Lab, name: str, file_fd: int, is_gone: Callable[[], bool]) -> dict[str, Any]:
        """Put a file into `~/from-instructor`, as the learner, within the lab's own limits.

        Args:
            lab: which; where its learner works in its machine, there.
            name: what it is called there.
            file_fd: what it holds, from its beginning; it stays the caller's.
            is_gone: whether who asked has left.

        Returns:
            `code`: 0 where it is there.

        Raises:
            Problem: `machine-not-ready`, `machine-ended`.
        """
        deadline = time.monotonic() + PUT_LONGEST_S
        argv = ["/bin/bash", "-lc", _PUT, name]

        def is_over() -> bool:
            return is_gone() or time.monotonic() > deadline

        # Opened anew: many labs are given the same file, and each reads from its beginning.
        anew = Path(f"/proc/self/fd/{file_fd}")
        with Path(os.devnull).open("r+b") as nothing, anew.open("rb") as file:
            fds = (file.fileno(), nothing.fileno(), nothing.fileno())
            if lab.shape.in_machine:
                code = self._machines.execute(lab.id, argv, "learner", fds, is_over)
            else:
                code = self.execute(lab, argv, "learner", tty=False, fds=fds, is_gone=is_over)
        return {"code": code}

    def pack_changes(self, lab: Lab, sock: socket.socket, is_gone: Callable[[], bool]) -> None:
        """Send what a learner changed, in the half that they work in (labs/changes.py).

        Args:
            lab: which.
            sock: where to; it stays the caller's.
            is_gone: whether who asked has left.

        Raises:
            Problem: `changes-cut` where that broke off; `machine-not-ready`, `machine-ended`.
        """
        try:
            if lab.shape.in_machine:
                self._pack_machine(lab, sock, is_gone)
            else:
                # What is open here would keep the disk of a lab that ends.
                outlet = changes.Outlet(sock, lambda: is_gone() or lab.state == "ending")
                changes.pack_lab(lab, outlet)
        except OSError as error:
            raise Problem(
                "changes-cut",
                "The archive of the files broke off.",
                "Try again while the container lives.",
            ) from error

    def _pack_machine(self, lab: Lab, sock: socket.socket, is_gone: Callable[[], bool]) -> None:
        since = (self._machines.describe(lab.id) or {}).get("started_at", 0.0)
        argv = ["/bin/sh", "-c", changes.IN_MACHINE, "sh", f"{since:.0f}"]
        # The web's sockets don't block, and neither does what it lends of them.
        sock.settimeout(None)
        patience = struct.pack("ll", int(changes.STALLED_S), 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        with Path(os.devnull).open("r+b") as nothing:
            fds = (nothing.fileno(), sock.fileno(), nothing.fileno())
            code = self._machines.execute(lab.id, argv, "root", fds, is_gone)
        if code not in {0, 1}:  # 1: a file changed while it was read
            raise OSError(errno.EPIPE, f"tar in the machine ended with {code}")

    def _measured(self, lab: Lab) -> dict[str, Any]:
        """What a check may read of a lab beside what it is."""
        facts = {**self._engines.facts(lab), **self._comparison.facts(lab)}
        return {"usage": self.usage(lab), **facts}


class _Numbers:
    """What a script says of how far it is, a number a line; the rest of what comes is dropped."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._read_fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_fd, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._read_fd)
        os.close(self.write_fd)

    def read(self) -> None:
        """Tell what has come since; never waits."""
        try:
            said = os.read(self._read_fd, _SAID_BYTES)
        except BlockingIOError:
            return
        for line in said.split():
            if line.isdigit() and len(line) < _DIGITS:
                self._tell(int(line))
