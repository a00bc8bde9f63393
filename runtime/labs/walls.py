"""What a lab is made of, as the kernel has it at this moment: namespaces, limits, rights, network.

A container is no thing of its own: it is these. The page “What is my container?” shows them.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.container import bundle
from runtime.network.rules import Refusals
from runtime.terminals import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab

KINDS = ("user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time")
_FILTERED = "2"  # Seccomp: in /proc/PID/status, a filter and not only the strict mode
_SHM = "/dev/shm"  # noqa: S108 - the lab's
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")


def read(parts: Parts, lab: Lab, usage: Mapping[str, Any]) -> dict[str, Any]:
    """One reading, as the verb `lab.walls` answers it; what can't be known is None.

    Args:
        parts: the rooms.
        lab: which; what is read is its process 1, under which all else in it was started.
        usage: as `lab.usage` answers it, from the same moment.
    """
    own = Path(f"/proc/{lab.pid}")
    mounts = _mounts(own)
    return {
        "at": time.time(),
        "pid": lab.pid,
        "hostname": lab.hostname,
        "namespaces": [_namespace(own, kind) for kind in KINDS],
        "limits": list(_limits(lab, usage, mounts)),
        "rights": _rights(parts, lab, own, mounts),
        "network": _network(parts, lab),
        "figures": {
            "whose": "container" if lab.figures_pid else "server",
            "why": lab.figures_why,
        },
    }


def _namespace(own: Path, kind: str) -> dict[str, Any]:
    here, server = _number(own / "ns" / kind), _number(Path("/proc/self/ns") / kind)
    return {"kind": kind, "id": here, "server_id": server, "is_own": here != server}


def _number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:  # it is ending, or the kernel has no such kind
        return None


def _limits(
    lab: Lab, usage: Mapping[str, Any], mounts: Mapping[str, Mapping[str, str]]
) -> Iterable[dict[str, Any]]:
    """Each limit with what is used of it, and how often it was met."""
    rows = (
        ("memory", "memory_bytes", "memory_limit_bytes", "bytes", "memory_kills"),
        ("pids", "pids", "pids_limit", "processes", "pids_refused"),
        ("cpu", "cpu_seconds", "cpu_cores", "cores", "cpu_throttled"),
        ("disk", "disk_bytes", "disk_limit_bytes", "bytes", "disk_full"),
        ("inodes", "inodes", "inodes_limit", "files", "disk_full"),
    )
    for name, used, limit, unit, hits in rows:
        yield _limit(name, usage.get(used), usage.get(limit), unit, usage.get(hits))
    shm = _bytes(mounts.get(_SHM, {}).get("size", ""))
    yield _limit("shm", None, shm, "bytes")
    yield _limit("open-files", None, _open_files(lab.pid), "files")
    living = sum(not each["ended"] for each in lab.terminals)
    yield _limit("terminals", living, len(NAMES), "terminals")


def _limit(
    name: str,
    used: float | None,
    limit: float | None,
    unit: str,
    hits: int | None = None,
) -> dict[str, Any]:
    return {"name": name, "used": used, "limit": limit, "unit": unit, "hits": hits}


def _open_files(pid: int) -> int | None:
    """The most that a program in the lab may raise its own limit to."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:
        return None
    hard = next(line.split()[4] for line in lines if line.startswith("Max open files"))
    return int(hard) if hard.isdecimal() else None


def _rights(
    parts: Parts, lab: Lab, own: Path, mounts: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    status = _status(own)
    profile = bundle.load_profile(lab.shape.profile)
    bounding = int(status.get("CapBnd", "0"), 16)
    return {
        "uid_base": lab.uid_base,
        "ids": bundle.MAPPED_IDS,
        "capabilities": list(profile.capabilities),
        "capabilities_held": bounding.bit_count(),
        "capabilities_all": int(_LAST_CAPABILITY.read_text()) + 1,
        "is_filtered": status.get("Seccomp") == _FILTERED,
        "calls_refused": _calls_refused(parts, lab),
        "hidden": [path for path in profile.masked_paths if path in mounts],
        "read_only": [path for path in profile.readonly_paths if "ro" in mounts.get(path, {})],
    }


def _status(own: Path) -> dict[str, str]:
    try:
        lines = (own / "status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}


def _calls_refused(parts: Parts, lab: Lab) -> int | None:
    """How many system calls the filter knows and refuses."""
    try:
        config = json.loads((parts.folder(lab) / "config.json").read_text())
    except (OSError, ValueError):
        return None
    refused, rest = set[str](), set[str]()  # some are refused with some arguments only
    for rule in config["linux"]["seccomp"]["syscalls"]:
        (refused if rule["action"] == "SCMP_ACT_ERRNO" else rest).update(rule["names"])
    return len(refused - rest)


def _mounts(own: Path) -> dict[str, dict[str, str]]:
    """What is mounted where in the lab, with its options; of two at one place the upper."""
    try:
        lines = (own / "mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        mount, _, system = line.partition(" - ")
        words = mount.split()
        options = f"{system.split()[-1]},{words[5]}".split(",")
        found[words[4]] = {
            key: value for key, _, value in (each.partition("=") for each in options)
        }
    return found


def _bytes(size: str) -> int | None:
    """A tmpfs's size as mountinfo writes it, such as `65536k`."""
    return int(size[:-1]) * 1024 if size.endswith("k") and size[:-1].isdecimal() else None


def _network(parts: Parts, lab: Lab) -> dict[str, Any]:
    refused = parts.router.refusals().get(lab.id, Refusals())
    return {
        "address": lab.address,
        "internet": lab.shape.internet,
        "allowed": list(lab.shape.allowed),
        "open": len(parts.router.open_to(lab.id)),
        "share": asdict(parts.router.share),
        "refused": asdict(refused),
    }
