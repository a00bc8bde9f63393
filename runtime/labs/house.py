"""All labs of one server: who has which, how many there may be, and when each ends."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import structlog

from runtime.container import profile as profiles
from runtime.container.crun import Crun
from runtime.container.devices import Devices
from runtime.container.lxcfs import Lxcfs
from runtime.kernel.forker import Forker
from runtime.kernel.spawn import ProgramFailed
from runtime.labs import life, limit_news, reconcile, state
from runtime.labs.compare.comparison import Comparison
from runtime.labs.living import Living
from runtime.labs.machines import Machines
from runtime.labs.making import Making
from runtime.labs.nested import Engines
from runtime.labs.parts import Parts
from runtime.labs.pool import Pool
from runtime.labs.watch import Watch
from runtime.limits import cgroup
from runtime.limits.disk import Disks
from runtime.limits.reserve import Reserve
from runtime.meter.figures import StopWatch
from runtime.problems import Problem
from runtime.protocol import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.deposits import Deposits
    from runtime.events import Events
    from runtime.image.store import Store
    from runtime.instance import Instance
    from runtime.labs.state import Lab, LabId, Order, Shape
    from runtime.labs.verdicts import Verdicts
    from runtime.network.router import Router
    from runtime.registry.service import Registry
    from runtime.terminals import Terminals

log = structlog.get_logger()

_FINISH_S = 60.0
_FORKED = ("runtime.kernel.namespaces", "runtime.labs.inside", "runtime.limits.joining")
_END_AT_ONCE = 8  # ending one is waiting, mostly


class Labs:
    """The labs of one instance; safe from any thread.

    Args:
        instance: whose labs these are.
        images: what labs are made from.
        router: connects them.
        terminals: their shells.
        events: hears what happens to them.
        deposits: keeps what ties us to their machines.
        verdicts: tells which program was ended for memory.
        registry: theirs, for containers within them.
        max_labs: how many may live at once, those in the pool not counted.
        slice_bytes: of the server's memory, for each learner; 0 for an equal share of it.
        reserve_percent: the share of the server that all labs together never get.
        keeper_pid: under systemd, the keeper whose unit the labs' cgroups lie in.

    Attributes:
        machines: theirs.
        comparison: what is asked about both halves of one.
        engines: what learners' own engines say.
        living: what is asked of one lab, and run in it.
    """

    def __init__(
        self,
        instance: Instance,
        images: Store,
        router: Router,
        terminals: Terminals,
        events: Events,
        deposits: Deposits,
        verdicts: Verdicts,
        registry: Registry,
        *,
        max_labs: int,
        slice_bytes: int = 0,
        reserve_percent: int = 10,
        keeper_pid: int | None = None,
    ) -> None:
        self._images = images
        self._events = events
        self._max_labs = max_labs
        place = cgroup.find(instance.cgroup_name, keeper_pid)
        forker = Forker(_FORKED)
        crun = Crun(instance)
        disks = Disks(instance.runtime_path / "disks")
        devices = Devices(instance.run_path / "devices")
        lxcfs = Lxcfs(instance.run_path / "figures", forker, self._confine_lxcfs)
        self._parts = Parts(
            instance,
            place,
            crun,
            router,
            terminals,
            forker,
            disks,
            Making(),
            lxcfs,
            devices,
            registry,
        )
        registry.confine = self._confine_registry
        self._reserve = Reserve(place, instance.data_path, reserve_percent)
        self.machines = Machines(self._parts, images, events, deposits, self._reserve)
        self.comparison = Comparison(
            self._parts,
            images,
            events,
            self.machines,
            self._reserve,
            slice_bytes=slice_bytes,
            shares=max_labs,
        )
        self.engines = Engines(self._parts)
        self._labs: dict[LabId, Lab] = {}
        self._busy_keys: set[str] = set()
        self._changed = threading.Condition()  # its lock may be taken twice by one thread
        self._is_ready = False
        self._pool = Pool(self._make_for_pool, lambda lab: self.remove(lab.id), self._tell_pool)
        self._watch = Watch(
            self._parts, events, verdicts, self._on_death, self._expire, self.extend, self._mend
        )
        self.living = Living(
            self._parts, images, self._watch, self.machines, self.engines, self.comparison
        )

    def adopt(self) -> None:
        """Go on with the labs that live, remove what is left of others, and begin to watch.

        Raises:
            Problem: `cgroup-controllers`, `cgroup-read-only`.
        """
        cgroup.make_writable()
        self._parts.place.prepare()
        self._reserve.hold()
        self._parts.crun.prepare()
        self._parts.disks.prepare()
        self._parts.devices.prepare()
        self._parts.forker.start()
        self._parts.instance.labs_path.mkdir(parents=True, exist_ok=True)
        for lab in reconcile.reconcile(self._parts):
            self._labs[lab.id] = lab
            self._watch.add(lab)
        if any(profiles.load(lab.shape.profile).registry_settings for lab in self._labs.values()):
            self._parts.registry.begin()
        self.machines.adopt(list(self._labs.values()))
        self._watch.start()
        threading.Thread(
            target=self._sweep_images, args=(state.oldest(self._labs.values()),), daemon=True
        ).start()
        self._pool.start()
        self.comparison.begin()
        self._is_ready = True

    def ready(self) -> bool:
        """Whether labs can be asked for."""
        return self._is_ready

    def stop(self, *, end_labs: bool) -> int:
        """Stop watching; labs of learners live on, those of the pool end.

        A lab that is being made is finished first, so that it is among those that end or live on;
        no other is begun.

        Args:
            end_labs: end all of them.

        Returns:
            How many labs live on.
        """
        self._is_ready = False
        self._pool.stop()
        if not self._parts.making.finish(_FINISH_S):
            log.warning("labs.making_not_finished")
        self.comparison.close()
        self._parts.registry.close()
        now = time.time()
        over = [
            lab.id
            for lab in list(self._labs.values())
            if end_labs or lab.key is None or (lab.until or now) <= now
        ]
        with ThreadPoolExecutor(_END_AT_ONCE) as ends:
            list(ends.map(self.remove, over))
        self.machines.stop()
        self._watch.stop()
        self._parts.forker.stop()
        self._parts.lxcfs.close()
        self._parts.disks.close()
        self._parts.devices.close()
        left = len(self._labs)
        if left == 0:
            for group in reconcile.OUR_GROUPS:
                self._parts.place.kill(group)
                self._parts.place.remove(group)
            self._parts.place.close()
        return left

    def create(self, order: Order) -> Lab:
        """The lab of a key: the one it has, one from the pool, or a new one.

        Raises:
            Problem: `server-full`, `image-missing`, `runtime-away` where this runtime ends, and
                what `life.make` raises.
        """
        watch = StopWatch()
        with self._alone_with(order.key), self._parts.making.begun():
            lab = self._find(order.key)
            if lab is not None and lab.id != order.replaces:
                return self._seen(lab)
            if lab is not None:  # its place stays this key's, which is busy
                self.remove(lab.id, "replaced")
            self._make_room(order.shape)
            lab = self._pool.claim(order.shape)
            if lab is not None:
                lab.warm = True
                if not lab.shape.in_machine:
                    self._parts.terminals.resize(lab.id, "1", order.rows, order.cols)
                watch.done("pool")
                lab.starts = {**lab.starts, "prepared": asdict(watch.start())}
            else:
                lab = self._make_or_displace(order)
            lab.key, lab.until = order.key, order.until
            self._keep(lab)
        ms = lab.starts["prepared"]["ms"] if lab.warm else sum(lab.stages_ms.values())
        log.info("lab.created", lab=lab.id, warm=lab.warm, ms=round(ms))
        self._events.tell("lab.ready", lab=lab.id, warm=lab.warm, ms=ms)
        return self._seen(lab)

    def get(self, lab_id: LabId) -> Lab:
        """A lab by its id.

        Raises:
            Problem: `lab-unknown`.
        """
        with self._changed:
            lab = self._labs.get(lab_id)
        if lab is None:
            raise _unknown(lab_id)
        return self._seen(lab)

    def all(self) -> list[Lab]:
        """Every lab that somebody has; those of the pool are left out."""
        return [self._seen(lab) for lab in self.taken()]

    def taken(self) -> list[Lab]:
        """The same, without a look at what is in them."""
        with self._changed:
            return [lab for lab in self._labs.values() if lab.key is not None]

    def remove(self, lab_id: LabId, reason: str = "removed") -> None:
        """End a lab; it is gone from the machine on return. Done already is done.

        Args:
            lab_id: which.
            reason: `removed`, `expired`, `died` or `replaced`, for the event.
        """
        with self._changed:
            lab = self._labs.get(lab_id)
            if lab is None or lab.state == "ending":
                return
            lab.state = "ending"
            state.save(lab, self._parts.folder(lab))
        self._watch.discard(lab)
        self.living.forget(lab_id)
        self.comparison.forget(lab)
        try:
            self.machines.forget(lab_id)
            life.end(self._parts, lab_id)
        finally:
            self._watch.gone(lab)
            with self._changed:
                self._labs.pop(lab_id, None)
                self._changed.notify_all()
            log.info("lab.ended", lab=lab_id, reason=reason)
            self._pool.look_again()
            if lab.key is not None:
                self._events.tell("lab.ended", lab=lab_id, reason=reason)

    def extend(self, lab_id: LabId, until: float) -> Lab:
        """Let a lab live until another time.

        Raises:
            Problem: `lab-unknown`.
        """
        with self._changing(lab_id) as lab:
            lab.until = until
        return lab

    def pause(self, lab_id: LabId, *, is_paused: bool) -> Lab:
        """Let a lab stand still, its machine too, or go on; its time doesn't stand still.

        Raises:
            Problem: `lab-unknown`.
        """
        with self._changing(lab_id) as lab:
            self._parts.place.freeze(lab_id, is_still=is_paused)
            lab.is_paused = is_paused
        return lab

    def awake(self, lab_id: LabId) -> Lab:
        """A lab in which something can be done.

        Raises:
            Problem: `lab-unknown`, `lab-paused`.
        """
        lab = self.get(lab_id)
        if lab.is_paused:
            raise Problem(
                "lab-paused",
                "This lab is paused: its programs stand still.",
                "Try again when it goes on.",
                lab=lab_id,
            )
        return lab

    def warnings(self) -> list[Problem]:
        """What of the server stands in labs' way."""
        return [*self._parts.router.warnings(), *self._reserve.warnings()]

    def allow(self, lab_id: LabId, names: tuple[str, ...]) -> None:
        """Let a lab that has a list of names reach these instead; what is open is looked up anew.

        Raises:
            Problem: `lab-unknown`; `bad-request` for a lab without a list.
        """
        with self._changing(lab_id) as lab:
            if not lab.shape.allowed or not names:
                raise bad_request("A lab keeps having a list of names, or none, as it was made.")
            lab.shape = replace(lab.shape, allowed=names)
        self._parts.router.allow(lab_id, names)
        self._parts.router.shut_again(lab_id)

    @contextmanager
    def _changing(self, lab_id: LabId) -> Iterator[Lab]:
        lab = self.get(lab_id)
        with self._changed:
            if lab.state != "ready":  # its record may be gone already
                raise _unknown(lab_id)
            yield lab
            self._keep(lab)

    def warn_idle(self, lab_id: LabId, idle_s: int, left_s: int) -> None:
        """Say in a lab's terminals and on its page that it ends for somebody in line.

        Raises:
            Problem: `lab-unknown`.
        """
        self._watch.tell(self.get(lab_id), limit_news.of_idleness(idle_s, left_s))

    def pool_want(self, shapes: list[tuple[Shape, int]]) -> list[dict[str, Any]]:
        """Say which labs shall stand ready; the pool follows, and drops what isn't wanted."""
        self._pool.want(dict(shapes))
        return self._pool.describe()

    def pool(self) -> list[dict[str, Any]]:
        """What stands ready, by shape."""
        return self._pool.describe()

    @contextmanager
    def _alone_with(self, key: str) -> Iterator[None]:
        """Two calls with one key get one lab: the second waits for the first."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._busy_keys)
            self._busy_keys.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._busy_keys.discard(key)
                self._changed.notify_all()

    def _find(self, key: str) -> Lab | None:
        with self._changed:
            mine = [lab for lab in self._labs.values() if lab.key == key]
            ending = [lab for lab in mine if lab.state == "ending"]
            # A new lab of this key waits until the old one has left no trace.
            self._changed.wait_for(lambda: not any(lab.id in self._labs for lab in ending), 30)
        return next((lab for lab in mine if lab.state == "ready"), None)

    def _make_room(self, shape: Shape) -> None:
        with self._changed:
            taken = sum(lab.key is not None for lab in self._labs.values())
            waiting = len(self._busy_keys) - 1
        if taken + waiting >= self._max_labs:
            raise Problem(
                "server-full",
                f"This server runs {taken} labs, which is as many as it may.",
                "Wait until one ends, or raise max_labs.",
                max_labs=self._max_labs,
            )
        if self._pool.size() + taken + waiting >= self._max_labs:
            self._pool.give_way(shape)

    def _make_or_displace(self, order: Order) -> Lab:
        """Make a lab; where the server is full, what only stands ready makes room."""
        while True:
            try:
                return self._make(order.shape, order.rows, order.cols)
            except Problem as problem:
                if problem.code != "server-full" or not self._pool.give_way(order.shape):
                    raise

    def _make(self, shape: Shape, rows: int, cols: int) -> Lab:
        image = self._images.get(shape.image)
        with self._reserve.admitted(shape.limits, self._parts.disks.needs_bytes(shape.limits)):
            lab = life.make(self._parts, image, shape, rows, cols)
        with self._changed:
            self._labs[lab.id] = lab
        self._watch.add(lab)
        return lab

    def _keep(self, lab: Lab) -> None:
        with self._changed:
            self._labs[lab.id] = lab
            state.save(lab, self._parts.folder(lab))

    def _seen(self, lab: Lab) -> Lab:
        lab.terminals = [each.as_dict() for each in self._parts.terminals.of(lab.id)]
        lab.machine = self.machines.describe(lab.id)
        return lab

    def _make_for_pool(self, shape: Shape) -> Lab | None:
        with self._changed:
            is_full = len(self._labs) + len(self._busy_keys) >= self._max_labs
        return None if is_full else self._make(shape, 24, 80)

    def _tell_pool(self) -> None:
        self._events.tell("pool.changed", pool=self._pool.describe())

    def _on_death(self, lab: Lab) -> None:
        self._pool.forget(lab)
        self.remove(lab.id, "died")

    def _mend(self, labs: list[Lab]) -> None:
        """Put limits back that somebody took away: a reload of systemd has done so in silence."""
        self._reserve.hold()
        reconcile.hold_groups(self._parts)
        self.machines.hold()
        for lab in labs:
            if lab.state == "ready":
                reconcile.is_held(self._parts, lab)
                self._mend_figures(lab)

    def _mend_figures(self, lab: Lab) -> None:
        """A lab whose lxcfs died lives on, and sees the server's figures: they are said to be."""
        if reconcile.has_figures(self._parts, lab):
            return
        self._keep(lab)
        self._watch.tell(lab, limit_news.of_figures())

    def _confine_lxcfs(self, pid: int) -> None:
        """Whoever reads its files all the time shall spend little of the server with it."""
        self._confine(reconcile.LXCFS_GROUP, pid)

    def _confine_registry(self, pid: int) -> None:
        """Whoever pushes all the time likewise."""
        self._confine(reconcile.REGISTRY_GROUP, pid)

    def _confine(self, group: str, pid: int) -> None:
        for path in self._parts.place.make(group, reconcile.OUR_GROUPS[group]):
            path.write_text(str(pid))

    def _expire(self, lab: Lab) -> None:
        self.remove(lab.id, "expired")

    def _sweep_images(self, oldest: dict[str, float]) -> None:
        """Remove images that were replaced, in a thread of its own: a start shouldn't wait."""
        try:
            self._images.sweep(oldest)
        except (OSError, ProgramFailed) as error:
            log.warning("images.not_swept", error=str(error))


def _unknown(lab_id: LabId) -> Problem:
    return Problem(
        "lab-unknown",
        f"There is no lab {lab_id}.",
        "It may have ended; reload the page for a new one.",
        lab=lab_id,
    )
