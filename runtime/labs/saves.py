"""The saved machines that others go on from: one a kind, made when the first is asked for."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import structlog

from runtime.image import boot as image_boot
from runtime.labs import life, state
from runtime.machine import disk, saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.machine import qemu
    from runtime.machine.saved import Saved

log = structlog.get_logger()

_MOST = 2  # each takes some hundred megabytes of memory; a class has machines of one kind


class _Kind(NamedTuple):
    """Machines of which one may go on from another."""

    image: str
    built_ns: int
    memory_bytes: int
    disk_bytes: int
    accelerator: str


class Saves:
    """Makes and keeps them; safe from any thread.

    Args:
        parts: the rooms.
        plan: of a machine of a lab that is like another.
        hope: whether a boot in a cgroup may still come to its end, asked again and again.
    """

    def __init__(
        self,
        parts: Parts,
        plan: Callable[[Lab, Image], qemu.Plan],
        hope: Callable[[str, qemu.Accelerator], Callable[[], bool]],
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._hope = hope
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Kind, Saved] = OrderedDict()
        self._is_over = False

    @contextmanager
    def lent(
        self,
        lab: Lab,
        image: Image,
        accelerator: qemu.Accelerator,
        is_wanted: Callable[[], bool],
    ) -> Iterator[Saved]:
        """One to go on from, for as long as this is entered; made where there is none yet.

        Args:
            lab: whose machine wants to go on from it.
            image: the lab's.
            accelerator: what runs both.
            is_wanted: asked while it is made; False gives it up.

        Raises:
            NotSaved: none could be made.
            OSError: whatever the kernel says.
        """
        release = image.rootfs_path.parent / image_boot.FOLDER / image_boot.RELEASE
        limits = lab.shape.limits
        kind = _Kind(
            image.name,
            release.stat().st_mtime_ns,
            limits.memory_bytes,
            limits.disk_bytes,
            accelerator,
        )
        with self._lock:
            if kind not in self._kept:
                self._kept[kind] = self._make(lab, image, accelerator, is_wanted)
                while len(self._kept) > _MOST:
                    self._kept.popitem(last=False)[1].close()
            self._kept.move_to_end(kind)
            yield self._kept[kind]

    def close(self) -> None:
        """Let go of all; what is being made is given up."""
        self._is_over = True
        self.forget()

    def forget(self) -> None:
        """Let go of all, so that the next is made anew."""
        with self._lock:
            while self._kept:
                self._kept.popitem()[1].close()

    def _make(
        self,
        lab: Lab,
        image: Image,
        accelerator: qemu.Accelerator,
        is_wanted: Callable[[], bool],
    ) -> Saved:
        began = time.monotonic()
        nobodys = life.claim(self._parts, lab)
        is_hopeful = self._hope(state.machine_group(nobodys.id), accelerator)
        try:
            plan = self._plan(nobodys, image)
            disk.make(plan.disk_path, nobodys.shape.limits.disk_bytes, nobodys.machine_uid)
            made = saved.save(plan, lambda: is_hopeful() and is_wanted() and not self._is_over)
        finally:
            life.end(self._parts, nobodys.id)
        log.info("machine.saved", image=image.name, ms=round((time.monotonic() - began) * 1000))
        return made
