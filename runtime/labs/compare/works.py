"""The same work in both halves of a lab, one pair at a time on the whole server.

Two works at once would measure each other. So there is one line: a pair waits for its turn, runs a
few seconds in the machine, as long in the container, and its result is told as a rate.
"""

from __future__ import annotations

import math
import os
import select
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import structlog

from runtime.labs.compare import work_program
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.events import Events
    from runtime.labs.state import Lab

    # Runs a program in one half of a lab, on three descriptors, until its end or until somebody
    # has had enough; its exit code.
    Runner = Callable[[Lab, list[str], tuple[int, int, int], Callable[[], bool]], int]

log = structlog.get_logger()

UNITS = {
    "compress": "MB/s",
    "fork": "processes/s",
    "calls": "calls/s",
    "files": "files/s",
    "http": "requests/s",
}
SECONDS = 3.0
_TELL_S = 0.5
_PATIENCE_S = 60.0  # an emulated machine on a busy server may take seconds to start Python
_SAID_BYTES = 4096

SideName = Literal["machine", "container"]


class Rate(NamedTuple):
    """What one side came to."""

    rate: float
    unit: str


@dataclass
class Work:
    """One pair, from the request to its result; the fields as docs/reference.md lists them."""

    work: str
    state: Literal["waiting", "running", "done", "stopped", "failed"] = "waiting"
    place: int | None = None
    side: SideName | None = None
    percent: int = 0
    container: Rate | None = None
    machine: Rate | None = None
    accelerator: str | None = None
    sentence: str = ""
    is_stopped: bool = field(default=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """What crosses a socket."""
        facts = asdict(self)
        del facts["is_stopped"]
        for side in ("container", "machine"):
            rate: Rate | None = getattr(self, side)
            facts[side] = rate._asdict() if rate else None
        return facts


class Works:
    """The line of works of one server, and the thread that runs them.

    Args:
        sides: who runs what where, in the order in which they take turns; asked when a pair begins,
            since a machine may come and go: its name, how to run there, and the accelerator.
        events: hears `work.changed`.
    """

    def __init__(
        self,
        sides: Callable[[Lab], Sequence[tuple[SideName, Runner, str | None]]],
        events: Events,
    ) -> None:
        self._sides = sides
        self._events = events
        self._line: list[tuple[Lab, Work]] = []
        self._last: dict[str, Work] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="works", daemon=True)

    def begin(self) -> None:
        """Begin to run what is asked for."""
        self._thread.start()

    def close(self) -> None:
        """Stop what runs, and run nothing more."""
        with self._changed:
            self._stopping = True
            for _, work in self._line:
                work.is_stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def start(self, lab: Lab, name: str) -> dict[str, Any]:
        """Put a work in line; the same one again is the one that waits or runs already.

        Raises:
            Problem: `work-busy` while another one of this lab waits or runs.
        """
        with self._changed:
            mine = next((work for each, work in self._line if each.id == lab.id), None)
            if mine is not None and mine.work != name:
                raise Problem(
                    "work-busy",
                    f"Your work “{mine.work}” isn't over yet.",
                    "Wait for its result, or stop it.",
                    lab=lab.id,
                )
            if mine is None:
                mine = Work(name, place=len(self._line))
                self._line.append((lab, mine))
                self._last[lab.id] = mine
                self._changed.notify_all()
                self._tell(lab, mine)
            return mine.as_dict()

    def stop(self, lab_id: str) -> None:
        """Stop a lab's work, or take it out of the line; nothing happens where there is none."""
        with self._changed:
            for at, (lab, work) in enumerate(self._line):
                if lab.id != lab_id:
                    continue
                work.is_stopped = True
                if at > 0:
                    self._leave(lab, work, "stopped")
                return

    def last(self, lab_id: str) -> dict[str, Any] | None:
        """A lab's last work, whatever came of it; None where there was none."""
        with self._changed:
            work = self._last.get(lab_id)
        return work.as_dict() if work else None

    def forget(self, lab_id: str) -> None:
        """A lab ends."""
        self.stop(lab_id)
        with self._changed:
            self._last.pop(lab_id, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line or self._stopping)
                if self._stopping:
                    return
                lab, work = self._line[0]
            state: Literal["done", "stopped", "failed"] = "failed"
            try:
                state = self._both(lab, work)
            except Problem as problem:
                work.sentence = str(problem)
            except Exception:
                log.exception("work.failed", lab=lab.id, work=work.work)
                work.sentence = "The server could not run this work; its log has the reason."
            with self._changed:
                self._leave(lab, work, "stopped" if work.is_stopped else state)

    def _both(self, lab: Lab, work: Work) -> Literal["done", "failed"]:
        work.state, work.place = "running", None
        failed = []
        for name, runner, accelerator in self._sides(lab):
            if work.is_stopped:
                break
            work.side, work.percent = name, 0
            work.accelerator = work.accelerator or accelerator
            self._tell(lab, work)
            rate = self._one(lab, work, runner)
            setattr(work, name, rate)
            if rate is None:
                failed.append(name)
        if failed and not (work.is_stopped or work.sentence):
            work.sentence = (
                f"The work came to no end in your {' and your '.join(failed)}: "
                "it needs python3, a few processes and some room on the disk."
            )
        return "failed" if failed else "done"

    def _one(self, lab: Lab, work: Work, runner: Runner) -> Rate | None:
        """Run the program in one side; None when it came to no end."""
        source = Path(work_program.__file__).read_text()
        argv = ["python3", "-I", "-c", source, work.work, f"{SECONDS:g}"]
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
        deadline = time.monotonic() + _PATIENCE_S

        def is_over() -> bool:
            return work.is_stopped or time.monotonic() > deadline

        def run() -> None:
            with Path("/dev/null").open("r+b") as nothing:
                try:
                    runner(lab, argv, (nothing.fileno(), write_fd, nothing.fileno()), is_over)
                except (Problem, OSError) as error:
                    log.warning("work.not_run", lab=lab.id, work=work.work, error=str(error))
                    # That the program wasn't found is said better below.
                    if isinstance(error, Problem) and error.code != "container-exec":
                        work.sentence = error.sentence
                finally:
                    os.close(write_fd)

        thread = threading.Thread(target=run, name=f"work-{lab.id}", daemon=True)
        thread.start()
        try:
            return self._listen(lab, work, read_fd, is_over)
        finally:
            thread.join()
            os.close(read_fd)

    def _listen(
        self, lab: Lab, work: Work, read_fd: int, is_over: Callable[[], bool]
    ) -> Rate | None:
        """Take the time between what the program says, by the server's clock for both sides."""
        said = b""
        began: float | None = None
        poll = select.poll()
        poll.register(read_fd, select.POLLIN)
        while not is_over():
            if poll.poll(_TELL_S * 1000):
                got = os.read(read_fd, _SAID_BYTES)
                now = time.monotonic()
                if not got or len(said) > _SAID_BYTES:
                    return None
                said += got
                if began is None and said.startswith(b"begin\n"):
                    began = now
                if began is not None and (amount := _amount(said)) is not None:
                    return Rate(amount / max(now - began, SECONDS / 2), UNITS[work.work])
            if began is not None:
                passed = (time.monotonic() - began) / SECONDS
                work.percent = min(round(passed * 100), 99)
                self._tell(lab, work)
        return None

    def _leave(self, lab: Lab, work: Work, state: Literal["done", "stopped", "failed"]) -> None:
        """Take a work out of the line, under the lock; those behind it move up."""
        self._line.remove((lab, work))
        work.state, work.place, work.side = state, None, None
        work.percent = 100 if state == "done" else work.percent
        self._tell(lab, work)
        for place, (other, waiting) in enumerate(self._line):
            if waiting.state == "waiting" and waiting.place != place:
                waiting.place = place
                self._tell(other, waiting)

    def _tell(self, lab: Lab, work: Work) -> None:
        self._events.tell("work.changed", lab=lab.id, **work.as_dict())


def _amount(said: bytes) -> float | None:
    """What the program says it did; None while it hasn't."""
    line, newline, _ = said.partition(b"begin\n")[2].partition(b"\n")
    words = line.split()
    if not newline or len(words) != 2 or words[0] != b"end":
        return None
    try:
        amount = float(words[1])
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None
