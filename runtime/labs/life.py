"""The life of one lab: made step by step, each step with its undoing, and ended without a trace.

Steps that don't rest on each other are done beside each other: the disk while the namespaces are
made, the network while the OCI runtime starts process 1. The kernel and that program do the work,
so a thread of ours waits, and hardly takes another's turn. What the kernel has to wait for before
the lab's cgroup takes a process goes by beside it all.
"""

from __future__ import annotations

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import structlog

from runtime.container import bundle, rootfs
from runtime.kernel import namespaces, processes, spawn
from runtime.kernel.spawn import ProgramFailed
from runtime.labs import inner, state
from runtime.limits import disk, ids, joining
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.container.profile import Profile
    from runtime.image.store import Image
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.limits.amounts import Limits
    from runtime.limits.cgroup import Place

log = structlog.get_logger()


class Stages:
    """What each part of making a lab took."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def done(self, name: str) -> None:
        """Close the stage that has run since the last one."""
        now = time.perf_counter()
        self.ms[name] = round((now - self._last) * 1000, 2)
        self._last = now


class Shells(Protocol):
    """Opens the first shell of a lab that is being made."""

    def open(self, lab: str, name: str | None, rows: int, cols: int) -> object:
        """Open it; what it raises undoes the lab."""

    def close_lab(self, lab: str) -> None:
        """Hang up whatever was opened for a lab."""


def make(
    parts: Parts,
    image: Image,
    shape: state.Shape,
    rows: int,
    cols: int,
    shells: Shells | None = None,
) -> Lab:
    """Make a lab, its first terminal open; what was made is undone when a step fails.

    Where its learner works in the lab's machine, no terminal is opened.

    Args:
        parts: the rooms.
        image: of the shape.
        shape: what was asked for.
        rows: the size of the first terminal, with `cols`.
        cols: see `rows`.
        shells: opens its first terminal in place of the terminals that learners see.

    Returns:
        The lab, `ready`, without a key.

    Raises:
        Problem: `container-start`, `network-full`, `ids-full`, `limits-not-held` and what else the
            rooms say; then nothing of it is left. `runtime-away`: too late to begin.
    """
    stages = Stages()
    profile = bundle.load_profile(shape.profile)
    # `aside` ends first on the way out: whatever is undone, no other thread still makes it.
    with (
        parts.making.begun(),
        ExitStack() as undo,
        ExitStack() as opened,
        ThreadPoolExecutor(1, "lab-aside") as aside,
    ):
        opened.enter_context(joining.expect(parts.forker, parts.place.members))
        user = bundle.User(image.user, image.uid, image.gid, image.home, image.shell)
        lab = _claim(parts, shape, user, undo)
        folder = parts.folder(lab)
        undo.callback(parts.router.detach, lab.id)
        lab.address = parts.router.reserve(lab.id)
        undo.callback(disk.unmount, folder)
        filling = aside.submit(_make_disk, parts, lab, image, profile)
        pair = namespaces.make_pair(
            parts.forker, lab.uid_base, bundle.MAPPED_IDS, profile.namespaces
        )
        opened.callback(pair.close)
        stages.done("namespaces")
        place = filling.result()
        undo.callback(rootfs.remove_mount_point, parts.root(lab.id))
        root = parts.root(lab.id)
        rootfs.mount(image.rootfs_path, place, root, pair.user_fd)
        inner.add(profile, parts, lab, image, place)
        _describe(parts, lab, profile, pair)
        stages.done("disk")
        # Process 1 needs no network and does nothing; it is there before a shell is.
        connecting = aside.submit(connect, parts, lab, pair.net_fd)
        undo.callback(_end_container, parts, lab.id)
        lab.pid = parts.crun.run(lab.id)
        parts.crun.keep_filter(lab.id, shape.profile)
        inner.settle(profile, parts, lab)
        stages.done("container")
        rootfs.unmount(parts.root(lab.id))
        _limit(parts, lab)
        disk.unmount(folder)
        lab.started_ticks = processes.start_ticks(lab.pid)
        lab.boot_id = processes.boot_id()
        connecting.result()
        stages.done("network")
        opener = shells or parts.terminals
        if shells or not shape.in_machine:
            undo.callback(opener.close_lab, lab.id)
            opener.open(lab.id, "1", rows, cols)
        stages.done("terminal")
        lab.state = "ready"
        lab.stages_ms = stages.ms
        state.save(lab, folder)
        undo.pop_all()
    return lab


def _limit(parts: Parts, lab: Lab) -> None:
    """Set what crun doesn't, while the lab's disk is mounted here, and read all of it back."""
    limits = lab.shape.limits
    if (device := disk.device(parts.folder(lab))) is not None:
        parts.place.limit_io(lab.id, device, limits.io_bytes_per_s)
    parts.place.limit_sockets(lab.id, limits.memory_bytes)
    confirm_limits(parts.place, lab)
    lab.told = parts.place.told(lab.id)


def hold(place: Place, group: str, limits: Limits) -> None:
    """Put back what somebody took away of the limits of what isn't a lab; done where it's gone."""
    found = place.read_limits(group)
    if found is not None and limits.are_met_by(found):
        return
    try:
        place.write_limits(group, limits)
    except FileNotFoundError:
        return
    except OSError as error:  # v1: it holds more than that by now
        log.warning("group.limits_lost", group=group, error=str(error))
    else:
        log.warning("group.limits_mended", group=group, found=str(found))


def claim(parts: Parts, like: Lab) -> Lab:
    """A lab's ids and folder without the lab, for a machine that stands beside none; `end` it."""
    with ExitStack() as undo:
        lab = _claim(parts, like.shape, like.user, undo)
        undo.pop_all()
    return lab


def _claim(parts: Parts, shape: state.Shape, user: bundle.User, undo: ExitStack) -> Lab:
    """A new lab's name, ids, folder and record: whoever finds these can end it."""
    lab_id = state.new_id()
    uid_base = ids.claim(parts.owner(lab_id))
    undo.callback(ids.release, parts.owner(lab_id))
    lab = state.Lab(lab_id, shape, uid_base, user, created_at=time.time())
    parts.folder(lab).mkdir(parents=True)
    undo.callback(spawn.remove, parts.folder(lab))
    state.save(lab, parts.folder(lab))
    return lab


def end(parts: Parts, lab_id: str) -> None:
    """End a lab, or remove what is left of one: processes, cgroup, link, files, ids.

    Each step is harmless where there is nothing to do, so a lab that died half-way, or was ended
    half-way, goes the same way. A step that fails doesn't keep the next from being done; the last
    failure is raised.

    Args:
        parts: the rooms.
        lab_id: it need not be known.
    """
    steps: list[Callable[[], object]] = [
        lambda: parts.terminals.close_lab(lab_id),
        lambda: end_machine(parts, lab_id),
        lambda: _end_container(parts, lab_id),
        lambda: parts.router.detach(lab_id),
        lambda: disk.unmount(parts.folder(lab_id)),
        lambda: spawn.remove(parts.folder(lab_id)),
        # Last, since nothing may wear these ids any more when another lab gets them.
        lambda: ids.release(parts.owner(lab_id)),
    ]
    failure: Exception | None = None
    for step in steps:
        try:
            step()
        except (OSError, Problem, ProgramFailed) as error:
            failure = error
            log.warning("lab.end_failed", lab=lab_id, error=str(error))
    if failure is not None:
        raise failure


def end_machine(parts: Parts, lab_id: str) -> None:
    """Kill a lab's machine, where there is one, and take its cgroup away."""
    group = state.machine_group(lab_id)
    parts.place.kill(group)
    parts.place.remove(group)


def confirm_limits(place: Place, lab: Lab) -> None:
    """Make sure that the kernel holds a lab to its limits, and not only that it was told.

    Old OCI runtimes made the cgroups, wrote the limits and left the process outside, silently.

    Raises:
        Problem: `limits-not-held`.
    """
    found = place.read_limits(lab.id)
    if found is not None and lab.limits.are_met_by(found) and lab.pid in place.pids(lab.id):
        return
    raise Problem(
        "limits-not-held",
        "This server can't hold a container to its limits, so none was started.",
        "`./slipway doctor` tells what its cgroups lack.",
        lab=lab.id,
        found=str(found),
    )


def _make_disk(parts: Parts, lab: Lab, image: Image, profile: Profile) -> Path:
    """Make a lab's disk, with the files in it that are the lab's own; where it is mounted."""
    # sudo looks its own host name up, and warns when it isn't there.
    hosts = (
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        f"{lab.address}\t{lab.hostname}\n"
        f"{inner.hosts(profile, parts, lab)}"
    )
    files = {
        "etc/hosts": hosts,
        "etc/hostname": f"{lab.hostname}\n",
        "etc/resolv.conf": parts.router.resolv_conf(internet=lab.shape.internet),
        **inner.files(profile, parts, image),
    }
    owner = f"{parts.instance.cgroup_name}/{lab.id}"
    place = parts.disks.mount(parts.folder(lab), lab.shape.limits, owner)
    rootfs.prepare(place, lab.uid_base)
    for name, text in files.items():
        rootfs.write_file(place, image.rootfs_path, name, text, lab.uid_base)
    return place


def _describe(parts: Parts, lab: Lab, profile: Profile, pair: namespaces.Pair) -> None:
    limits = lab.shape.limits
    ours = f"/proc/{os.getpid()}/fd"
    # They cover files of /proc, and with that no container within the lab could mount its own.
    has_figures = lab.shape.own_figures and not profile.has_bare_proc
    if lab.shape.own_figures and profile.has_bare_proc:
        lab.figures_why = "Containers within this one need a /proc of which nothing is covered."
    description = bundle.Description(
        profile=profile,
        hostname=lab.hostname,
        root_path=parts.root(lab.id),
        uid_base=lab.uid_base,
        userns_path=f"{ours}/{pair.user_fd}",
        netns_path=f"{ours}/{pair.net_fd}",
        cgroup=parts.place.oci_path(lab.id),
        memory_bytes=limits.memory_bytes,
        pids=limits.pids,
        cpu_cores=limits.cpu_cores,
        sets_ipc=parts.sets_ipc,
        figures=_own_figures(parts, lab) if has_figures else {},
        cpus=_own_processors(parts, lab) if lab.shape.own_figures else "",
        devices={name: parts.devices.find(name) for name in profile.devices},
        dev_path=parts.devices.lay(parts.root(lab.id), profile.tmpfs["/dev"], lab.uid_base),
        filter=parts.crun.filter(lab.shape.profile),
        has_cgroups=inner.has_cgroups(profile, parts.place),
    )
    bundle.write(parts.folder(lab), description, lab.user)


def _own_figures(parts: Parts, lab: Lab) -> dict[str, Path]:
    found = parts.lxcfs.figures()
    lab.figures_pid, lab.figures_ticks = found.pid, found.started_ticks
    lab.figures_why = found.why
    return found.sources


def _own_processors(parts: Parts, lab: Lab) -> str:
    """As many as it may use: `nproc` counts those that a program may run on, whatever /proc says.

    Which ones is left to chance, that is, to the lab's random name: many labs use all alike.
    """
    there = sorted(os.sched_getaffinity(0))
    count = math.ceil(lab.shape.limits.cpu_cores)
    if count >= len(there) or not parts.place.can_pin():
        return ""
    first = int(lab.id, 16) % (len(there) - count + 1)
    return ",".join(map(str, there[first : first + count]))


def connect(parts: Parts, lab: Lab, netns_fd: int) -> str:
    """Give a lab its link, and as much of the internet as its shape says; its address.

    Raises:
        Problem: `network-full`, `network-unavailable`.
    """
    shape = lab.shape
    return parts.router.attach(lab.id, netns_fd, internet=shape.internet, allowed=shape.allowed)


def _end_container(parts: Parts, lab_id: str) -> None:
    parts.place.kill(lab_id)
    # Who was moved to another cgroup ends with the pid namespace.
    if lab := state.load(parts.folder(lab_id)):
        processes.end(lab.pid, lab.started_ticks)
    parts.crun.delete(lab_id)
    parts.place.remove(lab_id)
    rootfs.remove_mount_point(parts.root(lab_id))
