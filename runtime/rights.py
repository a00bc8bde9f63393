"""What root needs to make labs, and no more: the daemon gives the rest away as it starts."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

from runtime.kernel import syscalls

_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")

# By their numbers in <linux/capability.h>.
CAPABILITIES = {
    "SYS_ADMIN": 21,  # mounts, namespaces
    "NET_ADMIN": 12,  # links, routes, nftables
    "SETUID": 7,  # writes id maps; web and pump change to ids of their own
    "SETGID": 6,
    "SETPCAP": 8,  # web and pump drop their bounding set
    "SETFCAP": 31,  # an image's file capabilities
    "CHOWN": 0,  # a lab's files are the lab's
    "FOWNER": 3,  # an image's modes, with FSETID its setgid bits
    "FSETID": 4,
    "DAC_OVERRIDE": 1,  # reads and removes what a lab wrote
    "KILL": 5,  # ends processes of other ids
    "SYS_CHROOT": 18,  # enters a lab's mounts
    "MKNOD": 27,  # a /dev for each lab, /dev/net/tun for those with an engine; else they share ours
    "SYS_NICE": 23,  # moves a lab's processes into its cpuset: their namespace is their own id's
    "SYS_PTRACE": 19,  # for the same reason: enters a lab's namespaces, reads its processes
}

# Kept where there is any, and not asked for.
WELCOME = {
    "NET_RAW": 13,  # iptables' program for its older tables wants it (network/legacy.py)
}


def keep_needed() -> None:
    """Give every other capability away, for this process and all that it starts, for good.

    On cgroup v2 crun 1.8 lifts the limit on locked memory for its filter of devices, and refuses to
    start a lab where it can't. Lifted already, it stays so without SYS_RESOURCE, which is given
    away; a lab's own limit is its profile's.

    A lab's own root isn't touched by this: whoever enters a user namespace holds all capabilities
    there. Call it before any thread is started: each thread has capabilities of its own.
    """
    with suppress(OSError, ValueError):  # in a container without SYS_RESOURCE: as it was started
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
    kept = sum(1 << number for number in {**CAPABILITIES, **WELCOME}.values())
    for number in range(int(_LAST_CAPABILITY.read_text()) + 1):
        if not kept >> number & 1:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
    mask = held() & kept
    syscalls.capset(mask, mask, 0)


def held() -> int:
    """The capabilities in effect, as a bit mask."""
    for line in Path("/proc/thread-self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
