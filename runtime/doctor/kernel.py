"""Probes of the kernel: how old it is, what it can, and what it tells."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from runtime.container.rootfs import idmapped
from runtime.doctor.finding import Finding, advised, judged
from runtime.kernel import syscalls
from runtime.kernel.forker import Forker
from runtime.kernel.namespaces import make_pair
from runtime.kernel.workers import Workers
from runtime.problems import Problem
from runtime.reached import is_contained

# Overlays over id-mapped layers.
OLDEST = (5, 19)
_CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
_TRIAL_IDS = 0x7FFE0000  # far above what servers claim; nothing is ever owned by them


def version() -> Finding:
    """An older kernel can't show one image to each lab under ids of its own."""
    release = os.uname().release
    numbers = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    return judged(
        "kernel",
        good=numbers >= OLDEST,
        found=f"Linux {release}",
        wanted="Linux 5.19 or later",
        fix="Use Debian 12 or later, or its kernel from backports.",
    )


def overlay() -> Finding:
    """A lab's root is an overlay: the image below, what it writes on top."""
    try:
        os.close(syscalls.fsopen("overlay"))
        said = ""
    except OSError as error:
        said = str(error)
    return judged(
        "overlay",
        good=not said,
        found=said or "the overlay file system",
        wanted="the overlay file system",
        fix="Load it: `modprobe overlay`.",
    )


def id_mapping(data: Path) -> Finding:
    """Tried on the data folder's own file system, since not every one can."""
    place = next(path for path in (data, *data.parents) if path.is_dir())
    try:
        _try_id_mapping(place)
        said = ""
    except (Problem, OSError) as error:
        said = str(error.__cause__ or error)
    return judged(
        "id-mapped-mounts",
        good=not said,
        found=said or f"possible in {place}",
        wanted="a data folder whose files can be shown under other user ids",
        fix="Put the data folder on ext4, XFS or btrfs with --data (in a container: on a volume).",
    )


def _try_id_mapping(place: Path) -> None:
    forker = Forker()
    forker.start()
    try:
        pair = make_pair(forker, _TRIAL_IDS)
        try:
            os.close(idmapped(place, pair.user_fd))
        finally:
            pair.close()
    finally:
        forker.stop()


def crashes() -> Finding:
    """Where a program is told of crashes it is told of labs' too, outside of all their limits."""
    # A kernel may have none: then no crash leaves anything.
    pattern = _CORE_PATTERN.read_text().strip() if _CORE_PATTERN.exists() else ""
    return advised(
        "crashes",
        good=not pattern.startswith("|"),
        found=f"core_pattern is {pattern!r}",
        wanted="no program of the server's that each crash in a lab starts",
        fix="On the machine itself: `sysctl -w kernel.core_pattern=core`, for good in "
        "/etc/sysctl.d (and `systemctl disable apport` where that sets it again).",
    )


def workers() -> Finding:
    """By what these spend a lab that floods terminals of its own is found."""
    are_seen = Workers.are_seen()
    return advised(
        "kernel-workers",
        good=are_seen,
        found="seen" if are_seen else "hidden: only processes of its own are seen here",
        wanted="the kernel's workers to be seen, by which a lab that floods terminals that it made "
        "itself is found, and slowed; else its neighbours' keys wait for it",
        fix="Start the container with `--pid=host` as well: the server then sees the machine's "
        "processes, labs don't."
        if is_contained()
        else "Start Slipway on the machine itself, in no pid namespace of another's making.",
    )


def clock() -> Finding:
    """Ends of workshops, links that hold for a while and certificates go by it."""
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    here_since = Path(__file__).stat().st_ctime
    wrong = ""
    if time.time() < here_since:
        wrong = f"{now}, and Slipway came here later than that"
    elif not syscalls.is_clock_kept():
        wrong = f"{now}, by nobody's word but this machine's own"
    return advised(
        "clock",
        good=not wrong,
        found=wrong or f"{now}, kept right by the network",
        wanted="a clock that is kept right, or workshops, links and certificates end too soon",
        fix="On the machine itself: `timedatectl set-ntp true` (`apt-get install "
        "systemd-timesyncd` first, where it has none).",
    )
