"""Who runs a machine's instructions: the processor, where that is shown to work, or qemu."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from runtime.kernel import kvm, processes, spawn

log = structlog.get_logger()

_CHECKOUT = Path(__file__).parents[2]
_LOOP_TIMEOUT_S = 5.0
_LOOP_LIMIT_S = 0.05  # fifty times what a processor needs, a tenth of what emulation does
_YES, _NO = "kvm", "tcg"


@dataclass(frozen=True)
class Verdict:
    """Whether hardware virtualization is used on this server, and why.

    Attributes:
        is_good: machines start with KVM.
        why: one sentence, for the operator.
    """

    is_good: bool
    why: str


class Accelerator:
    """The verdict, found out once and remembered until the server restarts.

    Args:
        path: the file in which it is remembered, for all servers of this machine.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def verdict(self) -> Verdict:
        """Remember or find out; takes up to five seconds the first time."""
        if known := self._remembered():
            return known
        found = judge()
        self._remember(found)
        log.info("machine.accelerator_judged", is_good=found.is_good, why=found.why)
        return found

    def refuse(self, why: str) -> None:
        """A guest did not come up with it: don't try it again before the server restarts."""
        log.warning("machine.accelerator_refused", why=why)
        self._remember(Verdict(is_good=False, why=why))

    def groups(self) -> tuple[int, ...]:
        """The groups that qemu needs, besides its own, to open the device."""
        status = kvm.DEVICE.stat()
        return () if status.st_mode & stat.S_IWOTH else (status.st_gid,)

    def _remembered(self) -> Verdict | None:
        try:
            boot_id, word, why = self._path.read_text().split("\n", 2)
        except (OSError, ValueError):
            return None
        return Verdict(word == _YES, why) if boot_id == processes.boot_id() else None

    def _remember(self, found: Verdict) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.write_text("\n".join((processes.boot_id(), _YES if found.is_good else _NO, found.why)))
        new.replace(self._path)


def judge() -> Verdict:
    """Time the loop in a process of its own, which is killed where it hangs."""
    try:
        status = kvm.DEVICE.stat()
    except OSError:
        return Verdict(is_good=False, why=f"This server has no {kvm.DEVICE}.")
    took = _time_loop()
    if took is None:
        return Verdict(is_good=False, why=f"{kvm.DEVICE} opens, but a trial guest did not run.")
    if took > _LOOP_LIMIT_S:
        return Verdict(
            is_good=False,
            why=f"{kvm.DEVICE} opens, but emulates: a loop took {took * 1000:.0f} ms, not 1 ms.",
        )
    if not _lets_others_in(status):
        return Verdict(
            is_good=False,
            why=f"{kvm.DEVICE} is root's alone; with a group, as udev gives it, machines use it.",
        )
    return Verdict(is_good=True, why=f"A million turns in {took * 1000:.1f} ms.")


def _lets_others_in(status: os.stat_result) -> bool:
    """Whether qemu, which isn't root, could open the device."""
    by_group = bool(status.st_mode & stat.S_IWGRP) and status.st_gid != 0
    return by_group or bool(status.st_mode & stat.S_IWOTH)


def _time_loop() -> float | None:
    argv = [sys.executable, "-m", "runtime.kernel.kvm"]
    env = {"PYTHONPATH": str(_CHECKOUT)}
    try:
        return float(spawn.run(argv, timeout_s=_LOOP_TIMEOUT_S, env=env).stdout)
    except (spawn.ProgramFailed, ValueError):
        return None
