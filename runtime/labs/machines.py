"""The machines of all labs: one each, booted by turns, told apart by how they ended."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import structlog

from runtime.image import boot as image_boot
from runtime.instance import ACCELERATOR
from runtime.kernel.spawn import ProgramFailed
from runtime.labs import life, state
from runtime.labs.boots import DEPOSIT, Booter, Live, Refused
from runtime.machine import agent as guest
from runtime.machine import qemu
from runtime.machine.accelerator import Accelerator
from runtime.machine.link import Listener
from runtime.machine.record import STARTS, Record
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.deposits import Deposits
    from runtime.events import Events
    from runtime.image.store import Store
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.limits.reserve import Reserve
    from runtime.machine.agent import Agent
    from runtime.machine.record import How, Reason

log = structlog.get_logger()

# A boot keeps one processor busy; the others stay with the containers.
AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
_ASK_S = 4.0
_QUIT_S = 1.0
_OTHERS = "Your container and the lesson go on."
_LESSON = "The lesson goes on."  # for who works in the machine, and in no container
_SENTENCES: dict[str, str] = {
    "asked": "The machine is off.",
    "halted": "The machine was switched off from inside.",
    "reboot": "The machine was restarted from inside; here that only ends it.",
    "crashed": "The machine's kernel crashed: all in the machine stopped, and nothing outside it.",
    "killed": "The machine was ended from outside.",
    "memory": "The machine met its limit of memory on the server and was ended.",
}


class Machines:
    """Every machine of this instance; safe from any thread.

    Args:
        parts: the rooms.
        images: what they boot from.
        events: hears `machine.changed`.
        deposits: keeps what ties us to them, so that they outlive us.
        reserve: what machines, like labs, never get.
    """

    def __init__(
        self,
        parts: Parts,
        images: Store,
        events: Events,
        deposits: Deposits,
        reserve: Reserve,
    ) -> None:
        self._parts = parts
        self._images = images
        self._events = events
        self._deposits = deposits
        self._listener = Listener()
        self._accelerator = Accelerator(ACCELERATOR)
        self._reserve = reserve
        self._booter = Booter(
            parts, deposits, self._listener, self._accelerator, self._tell, self._ended
        )
        self._lock = threading.RLock()
        self._live: dict[str, Live] = {}
        self._line: list[tuple[Live, tuple[int, int]]] = []
        self._booting = 0

    def adopt(self, labs: Sequence[Lab]) -> None:
        """Go on with the machines that ran on without us, and end what is left of others."""
        self._listener.start()
        for lab in labs:
            if (record := self._load(lab)) is None:
                continue
            live = Live(lab, record)
            self._live[lab.id] = live
            if self._booter.adopt(live):
                log.info("machine.adopted", lab=lab.id)
            elif record.state in {"queued", "booting"}:
                self._begin_anew(live)
            elif record.lives:
                self._end_as(live, "killed")
        for name in self._deposits.names(DEPOSIT):
            if name.removeprefix(DEPOSIT) not in self._live:
                self._deposits.drop(name)

    def _begin_anew(self, live: Live) -> None:
        """A boot that the runtime before us did not finish; its window's size comes later."""
        self._booter.clear(live)
        again = replace(live.record, state="queued", stages_ms={}, release="", boot_id="")
        with self._lock:
            self._live[live.lab.id] = fresh = Live(live.lab, again)
            self._line.append((fresh, (24, 80)))
            self._next()
            self._number()

    def stop(self) -> None:
        """Listen no more; what runs goes on."""
        with self._lock:
            self._line.clear()
        self._booter.close()
        self._listener.stop()

    def boot(self, lab: Lab, how: How, rows: int, cols: int) -> dict[str, Any]:
        """Boot a lab's machine as soon as it is its turn; the one that lives already is given.

        Args:
            lab: a lab that is ready.
            how: `cold`, or `resumed`: go on from a saved one, which is made first if need be.
            rows: the size of its console, with `cols`.
            cols: see `rows`.
        """
        with self._lock:
            known = self._live.get(lab.id)
            if known is not None and known.record.lives:
                return known.record.as_dict()
            record = Record(
                lab=lab.id,
                hostname=f"vm-{lab.id[:6]}",
                memory_bytes=lab.shape.limits.memory_bytes,
                disk_limit_bytes=lab.shape.limits.disk_bytes,
                uid=lab.machine_uid,
                how=how,
                starts=_starts_before(known, how),
                requested_at=time.time(),
                last_end=known.record.last_end if known else None,
            )
            live = Live(lab, record)
            self._live[lab.id] = live
            self._line.append((live, (rows, cols)))
            self._save(live)
            self._next()
            self._number()
            return record.as_dict()

    def end(self, lab_id: str, *, force: bool) -> dict[str, Any]:
        """End a machine: asked at first, killed where it doesn't, or at once.

        Raises:
            Problem: `machine-none`.
        """
        live = self._find(lab_id)
        record = live.record
        with self._lock:
            self._line = [entry for entry in self._line if entry[0] is not live]
            if not record.lives:
                return record.as_dict()
            was, record.state = record.state, "ending"
        if was == "ready" and not force:
            self._tell(live)
            self._ask_to_end(live)
        self._end_as(live, "asked")
        return record.as_dict()

    def hold(self) -> None:
        """Put limits of machines back that somebody took away."""
        for live in list(self._live.values()):
            if live.record.lives:
                group = state.machine_group(live.lab.id)
                life.hold(self._parts.place, group, self._booter.limits(live))

    def forget(self, lab_id: str) -> None:
        """A lab ends; its machine is killed with it."""
        with self._lock:
            live = self._live.pop(lab_id, None)
            self._line = [entry for entry in self._line if entry[0].lab.id != lab_id]
            if live is not None:
                live.record.state = "ended"
        if live is not None:
            self._booter.clear(live)

    def describe(self, lab_id: str) -> dict[str, Any] | None:
        """A lab's machine as the wire shows it; None where none was ever booted."""
        live = self._live.get(lab_id)
        return live.record.as_dict() if live else None

    def can_boot(self, lab: Lab) -> bool:
        """Whether this server has what a machine of a lab's image boots with."""
        image = self._images.get(lab.shape.image)
        return (
            qemu.fits_processor()
            and qemu.is_installed()
            and image_boot.is_bootable(image.rootfs_path.parent)
        )

    def guest(self, lab_id: str) -> dict[str, int] | None:
        """What the guest's own kernel says of its memory and processes; None before it did."""
        live = self._live.get(lab_id)
        if live is None or live.record.state != "ready" or len(live.figures) != 6:
            return None
        total, free, cached, buffers, programs, processes = live.figures
        return {
            "total_bytes": total << 10,
            "kernel_bytes": max(total - free - cached - buffers - programs, 0) << 10,
            "cache_bytes": (cached + buffers) << 10,
            "programs_bytes": programs << 10,
            "processes": processes,
        }

    def agent(self, lab_id: str) -> Agent:
        """The talk with a lab's guest.

        Raises:
            Problem: `machine-not-ready`.
        """
        live = self._live.get(lab_id)
        if live is None or live.record.state != "ready" or live.link is None:
            raise Problem(
                "machine-not-ready",
                "The machine isn't at its prompt.",
                "Boot it, and wait until it is.",
                lab=lab_id,
            )
        return live.link.agent

    def execute(
        self,
        lab_id: str,
        argv: Sequence[str],
        user: str,
        fds: tuple[int, int, int],
        is_gone: Callable[[], bool],
    ) -> int:
        """Run a command in a machine to its end, on descriptors of the caller's; its exit code."""
        lost: list[OSError] = []  # raised in there, it would leave the command on its channel

        def write(kind: str, data: bytes) -> None:
            try:
                while data and not lost:
                    data = data[os.write(fds[1] if kind == "O" else fds[2], data) :]
            except OSError as error:
                lost.append(error)

        code = self.agent(lab_id).run(
            "root" if user == "root" else "learner",
            guest.arguments(argv),
            stdin_fd=fds[0],
            on_output=write,
            is_gone=lambda: bool(lost) or is_gone(),
        )
        return 137 if code is None else code

    # ---- turns

    def _next(self) -> None:
        """Let the next in line begin, while there is room; called under the lock."""
        while self._line and self._booting < AT_ONCE:
            live, size = self._line.pop(0)
            self._booting += 1
            live.record.state, live.record.place = "booting", 0
            live.record.started_at = time.time()
            threading.Thread(
                target=self._boot, args=(live, size), name=f"boot-{live.lab.id}", daemon=True
            ).start()

    def _number(self) -> None:
        for place, (live, _) in enumerate(self._line, start=1):
            if live.record.place != place:
                live.record.place = place
                self._tell(live)

    def _boot(self, live: Live, size: tuple[int, int]) -> None:
        self._tell(live)
        try:
            self._try(live, size)
        finally:
            with self._lock:
                self._booting -= 1
                self._next()
                self._number()

    def _try(self, live: Live, size: tuple[int, int]) -> None:
        try:
            with self._reserve.admitted(self._booter.limits(live), live.record.disk_limit_bytes):
                self._booter.boot(live, self._images.get(live.lab.shape.image), size)
        except Refused as refused:
            self._fail(live, refused.reason, refused.sentence)
            return
        except (OSError, Problem, ProgramFailed) as error:
            if isinstance(error, Problem) and error.code == "server-full":
                self._fail(live, "memory", f"Not enough room for a machine: {error.sentence}")
                return
            log.exception("machine.boot_failed", lab=live.lab.id)
            self._fail(live, "server", f"The server could not start the machine. {_rest(live)}")
            return
        with self._lock:
            if live.record.state != "booting":
                return
            live.record.state = "ready"
            live.record.keep_start()
            self._save(live)
        log.info(
            "machine.ready",
            lab=live.lab.id,
            accelerator=live.record.accelerator,
            board=live.record.board,
            ms=round(sum(live.record.stages_ms.values())),
        )
        self._tell(live)
        if live.has_ended:
            self._ended(live)

    def _fail(self, live: Live, reason: Reason, sentence: str) -> None:
        with self._lock:
            if live.record.state != "booting":
                return
        self._booter.clear(live)
        with self._lock:
            live.record.state, live.record.reason, live.record.sentence = "failed", reason, sentence
        log.warning("machine.failed", lab=live.lab.id, reason=reason)
        self._save(live)
        self._tell(live)

    # ---- ends

    def _ask_to_end(self, live: Live) -> None:
        link = live.link
        if link is None:
            return
        link.agent.power_off()
        with live.changed:
            if live.changed.wait_for(lambda: live.has_ended, _ASK_S):
                return
        link.monitor.quit()
        with live.changed:
            live.changed.wait_for(lambda: live.has_ended, _QUIT_S)

    def _ended(self, live: Live) -> None:
        """Its qemu is over, and nobody here asked for that; called by the listening thread."""
        with self._lock:
            if live.record.state != "ready":  # whoever boots or ends it sees to it
                return
            live.record.state = "ending"
        threading.Thread(
            target=self._end_as, args=(live, self._why(live)), name="machine-end", daemon=True
        ).start()

    def _why(self, live: Live) -> Reason:
        if live.exit_word:
            return "halted"
        if self._parts.place.hits(f"{live.lab.id}.m").memory_kills:
            return "memory"
        match live.link.monitor.shutdown if live.link else "":
            case "guest-reset" | "guest-panic":
                return "crashed"
            case "guest-shutdown":
                return "halted"
            case _:
                return "killed"

    def _end_as(self, live: Live, reason: Reason) -> None:
        try:
            self._booter.clear(live)
        except (OSError, Problem, ProgramFailed):
            log.exception("machine.end_failed", lab=live.lab.id)
        with self._lock:
            live.record.state, live.record.reason = "ended", reason
            word = "reboot" if (reason, live.exit_word) == ("halted", "reboot") else reason
            live.record.sentence = f"{_SENTENCES[word]} {_rest(live)}"
            live.record.place = 0
            live.record.last_end = {"reason": reason, "at": time.time()}
        log.info("machine.ended", lab=live.lab.id, reason=reason)
        self._save(live)
        self._tell(live)

    # ---- the record

    def _find(self, lab_id: str) -> Live:
        live = self._live.get(lab_id)
        if live is None:
            raise Problem("machine-none", "This lab has no machine.", "Boot one.", lab=lab_id)
        return live

    def _tell(self, live: Live) -> None:
        if self._live.get(live.lab.id) is live:
            self._events.tell("machine.changed", lab=live.lab.id, machine=live.record.as_dict())

    def _save(self, live: Live) -> None:
        folder = self._booter.folder(live.lab.id)
        with suppress(FileNotFoundError):  # the lab is being ended
            folder.mkdir(exist_ok=True)
            new = folder / "machine.json.new"
            new.write_text(json.dumps(asdict(live.record)))
            new.replace(folder / "machine.json")

    def _load(self, lab: Lab) -> Record | None:
        try:
            path = self._booter.folder(lab.id) / "machine.json"
            return Record(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def _rest(live: Live) -> str:
    """What goes on though the machine doesn't."""
    return _LESSON if live.lab.shape.in_machine else _OTHERS


def _starts_before(known: Live | None, how: How) -> dict[str, Any]:
    """The starts of the machines before, less the one that is to be timed anew."""
    kept = known.record.starts if known else {}
    return {kind: start for kind, start in kept.items() if kind != STARTS[how]}
