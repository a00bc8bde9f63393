"""At the start: go on with the labs that live, and remove what is left of those that don't."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import structlog

from runtime.container import lxcfs
from runtime.kernel import processes
from runtime.kernel.spawn import ProgramFailed
from runtime.labs import life, state
from runtime.limits import ids
from runtime.limits.amounts import Limits
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab

log = structlog.get_logger()

LXCFS_GROUP, REGISTRY_GROUP = "lxcfs", "registry"
OUR_GROUPS = {
    LXCFS_GROUP: Limits(memory_bytes=64 << 20, pids=256, cpu_cores=0.25),
    REGISTRY_GROUP: Limits(memory_bytes=512 << 20, pids=1024, cpu_cores=1.0),
}
"""The cgroups of programs of ours that labs use, beside theirs."""
_PATIENCE_S = 10.0
_ROWS, _COLS = 24, 80  # until a page says its own


def reconcile(parts: Parts) -> list[Lab]:
    """Compare what the kernel shows with what the records say, and mend the difference.

    Only what carries this instance's name is looked at. A lab of the pool is not adopted: nobody
    has it, and a new one costs milliseconds.

    Returns:
        The labs that live, their limits as they should be.
    """
    adopted = []
    for lab_id in sorted(traces(parts)):
        lab = state.load(parts.folder(lab_id))
        if (
            lab is not None
            and _is_wanted(lab)
            and _is_within_reach(parts, lab)
            and is_held(parts, lab)
        ):
            log.info("lab.adopted", lab=lab.id)
            adopted.append(lab)
        else:
            _remove(parts, lab_id)
    return adopted


def traces(parts: Parts) -> set[str]:
    """Every lab of which something is left, whether or not there is a record of it."""
    instance = parts.instance
    folders = {path.name for path in instance.labs_path.iterdir() if path.is_dir()}
    claims = {
        what
        for server, _, what in (owner.partition("/") for owner in ids.claimed().values())
        if server == instance.id and state.is_id(what)
    }
    groups = {name.partition(".")[0] for name in parts.place.labs() - OUR_GROUPS.keys()}
    return folders | claims | parts.crun.known() | groups | set(parts.router.attached())


def _is_wanted(lab: Lab) -> bool:
    return (
        lab.state == "ready"
        and lab.key is not None
        and (lab.until is None or lab.until > time.time())
        and lab.boot_id == processes.boot_id()
        and lab.started_ticks != 0
        and processes.start_ticks(lab.pid) == lab.started_ticks
    )


def _is_within_reach(parts: Parts, lab: Lab) -> bool:
    """Whether a lab has its network and a terminal, or gets them again.

    They end when everything of ours is killed at once; what the learner wrote is still there.
    """
    try:
        if lab.id not in parts.router.attached():
            netns_fd = os.open(f"/proc/{lab.pid}/ns/net", os.O_RDONLY)
            try:
                lab.address = life.connect(parts, lab, netns_fd)
            finally:
                os.close(netns_fd)
            state.save(lab, parts.folder(lab))
            log.warning("lab.connected_again", lab=lab.id)
        parts.router.allow(lab.id, lab.shape.allowed)
        if not lab.shape.in_machine and not parts.terminals.of(lab.id):
            parts.place.freeze(lab.id, is_still=False)  # else no shell would begin
            parts.terminals.open(lab.id, "1", _ROWS, _COLS)
        parts.place.freeze(lab.id, is_still=lab.is_paused)
    except (OSError, Problem) as error:
        log.warning("lab.out_of_reach", lab=lab.id, error=str(error))
        return False
    return True


def is_held(parts: Parts, lab: Lab) -> bool:
    """Whether the lab has its limits; a reload of systemd has set them back to “max” before."""
    try:
        life.confirm_limits(parts.place, lab)
    except Problem as problem:
        try:
            parts.place.write_limits(lab.id, lab.limits)
        except OSError as error:
            log.warning("lab.limits_lost", lab=lab.id, error=str(error))
            return False
        log.warning("lab.limits_mended", lab=lab.id, found=problem.facts["found"])
    _tell_again(parts, lab)
    return True


def _tell_again(parts: Parts, lab: Lab) -> None:
    """What beside its limits can't be put back (a processor is gone) is no reason to end a lab."""
    try:
        changed = parts.place.tell_again(lab.id, lab.told)
    except OSError as error:
        log.warning("lab.not_told_again", lab=lab.id, error=str(error))
        return
    if changed:
        log.warning("lab.told_again", lab=lab.id, changed=changed)


def hold_groups(parts: Parts) -> None:
    """The same for programs of ours that labs use, where they run."""
    there = parts.place.labs()
    for group in OUR_GROUPS.keys() & there:
        life.hold(parts.place, group, OUR_GROUPS[group])


def has_figures(parts: Parts, lab: Lab) -> bool:
    """Whether the lab has the figures that it shall; where lxcfs died, its files are taken away.

    They would answer nothing any more; the kernel's own come to light below.
    """
    if not lab.figures_pid or lxcfs.is_alive(lxcfs.Figures({}, lab.figures_pid, lab.figures_ticks)):
        return True
    namespace_fd = os.open(f"/proc/{lab.pid}/ns/mnt", os.O_RDONLY)
    try:
        paths = [f"/proc/{name}" for name in lxcfs.FILES]
        with parts.forker.call(lxcfs.detach, {"paths": paths}, [namespace_fd]) as talk:
            talk.receive(_PATIENCE_S)
    except OSError as error:
        log.warning("lab.figures_stay_dead", lab=lab.id, error=str(error))
    finally:
        os.close(namespace_fd)
    lab.figures_pid, lab.figures_why = 0, "lxcfs ended while this container ran."
    log.warning("lab.figures_lost", lab=lab.id)
    return False


def _remove(parts: Parts, lab_id: str) -> None:
    try:
        life.end(parts, lab_id)
        log.info("lab.leftover_removed", lab=lab_id)
    except (OSError, Problem, ProgramFailed) as error:
        # It is tried again at the next start; it must not keep this server from starting.
        log.exception("lab.leftover_stays", lab=lab_id, error=str(error))
