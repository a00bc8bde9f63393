"""The OCI description of one lab, and of what is run in it."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.container import profile as profiles
from runtime.container import seccomp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runtime.container.profile import Profile

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_PATH = "/usr/bin/catatonit"  # static, so it runs in any image; reaps what nobody waits for
MAPPED_IDS = 65536
# When the server itself is out of memory, labs go before anything of ours. crun sets it for process
# 1 alone; what comes in by exec inherits it from crun.
OOM_SCORE_ADJ = 500
_OF_DEVICES = ["bind", "nosuid", "noexec"]
_OF_FILES = ["bind", "ro", "nosuid", "nodev", "noexec"]  # the server's, to be read and nothing else


@dataclass(frozen=True)
class User:
    """Who a program runs as, inside."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


ROOT = User("root", 0, 0, "/root", "/bin/bash")


@dataclass(frozen=True)
class Description:
    """What an OCI description is made from.

    Attributes:
        profile: what the container may do.
        hostname: its name.
        root_path: where its root is mounted.
        uid_base: the server's id of its root.
        userns_path: its user namespace, and `netns_path` the network that belongs to it.
        cgroup: `cgroupsPath`.
        memory_bytes: limit of memory, and of memory and swap together.
        pids: limit of processes and threads.
        cpu_cores: limit of processor time per second.
        figures: files of lxcfs, by the path inside that they are mounted over.
        cpus: the processors that it may run on, as cpuset(7) writes them; empty for all.
        sets_ipc: whether the kernel lets its root set what its ipc namespace may hold.
        devices: the profile's, each with the node that stands for it.
        dev_path: a /dev that is made already; None where the OCI runtime makes it.
        filter: the profile's system call filter in the kernel's own form, base64; empty where the
            OCI runtime has yet to make it, which takes a fifth of a start.
        has_cgroups: whether its user will be given the cgroups below its own.
    """

    profile: Profile
    hostname: str
    root_path: Path
    uid_base: int
    userns_path: str
    netns_path: str
    cgroup: str
    memory_bytes: int
    pids: int
    cpu_cores: float
    sets_ipc: bool = False
    figures: Mapping[str, Path] = field(default_factory=dict)
    cpus: str = ""
    devices: dict[str, Path] = field(default_factory=dict)
    dev_path: Path | None = None
    filter: str = ""
    has_cgroups: bool = False


def write(folder: Path, description: Description, user: User) -> None:
    """Write a lab's bundle: `config.json`, and `shell.json` for its terminals."""
    (folder / "config.json").write_text(json.dumps(config(description)))
    shell = process(description.profile, user, [user.shell, "-l"], terminal=True)
    (folder / "shell.json").write_text(json.dumps(shell))


def leave_out_mapping(folder: Path) -> None:
    """Take the mapping of ids out of a bundle: its user namespace, which has it, is named there."""
    path = folder / "config.json"
    described = json.loads(path.read_text())
    del described["linux"]["uidMappings"], described["linux"]["gidMappings"]
    path.write_text(json.dumps(described))


def config(what: Description) -> dict[str, Any]:
    """The OCI description: process 1 does nothing but reap; all else comes in by exec."""
    mapping = [{"containerID": 0, "hostID": what.uid_base, "size": MAPPED_IDS}]
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")]
    namespaces.append({"type": "user", "path": what.userns_path})
    namespaces.append({"type": "network", "path": what.netns_path})
    sysctls = what.profile.sysctls | (what.profile.ipc_sysctls if what.sets_ipc else {})
    return {
        "ociVersion": "1.0.2",
        "process": _first(what.profile),
        "root": {"path": str(what.root_path)},
        "hostname": what.hostname,
        "mounts": [
            *_mounts(what),
            *_binds(what.devices, _OF_DEVICES),
            *_binds(what.figures, _OF_FILES),
        ],
        # crun's alone: runc reads the rules below.
        "annotations": {"run.oci.seccomp_bpf_data": what.filter} if what.filter else {},
        "linux": {
            "cgroupsPath": what.cgroup,
            "resources": _resources(what),
            "namespaces": namespaces,
            # crun wants the mapping even for a namespace that has one.
            "uidMappings": mapping,
            "gidMappings": mapping,
            "sysctl": sysctls,
            "maskedPaths": list(what.profile.masked_paths),
            "readonlyPaths": list(what.profile.readonly_paths),
            "seccomp": seccomp.render(what.profile),
            **({"rootfsPropagation": how} if (how := what.profile.propagation) else {}),
        },
    }


def _first(profile: Profile) -> dict[str, Any]:
    """Process 1, which locks no memory and starts nothing: its limit of that is left as it is.

    crun 1.8 sets its process's limits before it lifts that one for a filter of devices (cgroup v2).
    """
    first = process(profile, ROOT, ["/dev/init", "-P"], terminal=False)
    first["rlimits"] = [each for each in first["rlimits"] if each["type"] != "RLIMIT_MEMLOCK"]
    return first


def process(profile: Profile, user: User, argv: Sequence[str], *, terminal: bool) -> dict[str, Any]:
    """The `process` of an OCI description, or of `crun exec --process`.

    A user other than root starts without capabilities; the bounding set keeps those that sudo
    needs, and new privileges are allowed, since they are the lab's root's at most.
    """
    capabilities = list(profile.capabilities)
    held = capabilities if user.uid == 0 else []
    environment = {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "HOME": user.home,
        "USER": user.name,
        "LOGNAME": user.name,
        "SHELL": user.shell,
    }
    return {
        "terminal": terminal,
        "user": {"uid": user.uid, "gid": user.gid},
        "args": list(argv),
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": user.home,
        "capabilities": {"bounding": capabilities, "effective": held, "permitted": held},
        "rlimits": [_rlimit(name, *values) for name, values in profile.rlimits.items()],
        "noNewPrivileges": False,
        "oomScoreAdj": OOM_SCORE_ADJ,
    }


def load_profile(name: str) -> Profile:
    """A profile by its name.

    Raises:
        Problem: `profile-unknown`.
    """
    return profiles.load(name)


def _rlimit(name: str, soft: int, hard: int) -> dict[str, Any]:
    # To raise a hard limit needs CAP_SYS_RESOURCE, which the server may not have.
    _, ours = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    if ours != resource.RLIM_INFINITY:
        hard = min(hard, ours)
    return {"type": f"RLIMIT_{name}", "soft": min(soft, hard), "hard": hard}


def _resources(what: Description) -> dict[str, Any]:
    period_us = 100_000
    cpus = {"cpus": what.cpus} if what.cpus else {}
    return {
        "memory": {"limit": what.memory_bytes, "swap": what.memory_bytes},
        "pids": {"limit": what.pids},
        "cpu": {"quota": round(what.cpu_cores * period_us), "period": period_us, **cpus},
        # All but what the OCI runtime always allows: null, zero, full, random, urandom, tty, ptmx.
        "devices": [{"allow": False, "access": "rwm"}, *map(_device, what.devices.values())],
    }


def _device(node: Path) -> dict[str, Any]:
    number = node.stat().st_rdev
    return {
        "allow": True,
        "type": "c",
        "major": os.major(number),
        "minor": os.minor(number),
        "access": "rw",
    }


def _binds(paths: Mapping[str, Path], options: list[str]) -> list[dict[str, Any]]:
    """Mounts of what lies outside, by the path inside."""
    return [
        {"destination": name, "type": "bind", "source": str(path), "options": options}
        for name, path in paths.items()
    ]


def _mounts(what: Description) -> list[dict[str, Any]]:
    profile = what.profile
    # The kernel has 3072 for all containers together: one lab must not take them from the others.
    devpts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", "max=64"]
    quiet = ["nosuid", "noexec", "nodev"]
    mounts = [_mount("/proc", "proc", quiet)]
    for path, entry in profile.tmpfs.items():
        size, inodes = entry["size_bytes"], entry["inodes"]
        limits = [f"size={size}", f"nr_inodes={inodes}", f"mode={entry['mode']}"]
        if path == "/dev" and what.dev_path is not None:
            mounts += _binds({path: what.dev_path}, _OF_DEVICES)
        else:
            mounts.append(_mount(path, "tmpfs", [*entry["options"], *limits]))
    mounts.append(_mount("/dev/pts", "devpts", devpts))
    mounts.append(_mount("/dev/mqueue", "mqueue", quiet))
    mounts.append(_mount("/sys", "sysfs", quiet if profile.has_writable_sys else [*quiet, "ro"]))
    how = "rw" if what.has_cgroups else "ro"
    mounts.append(_mount("/sys/fs/cgroup", "cgroup", [*quiet, how, "relatime"]))
    mounts.append(
        {
            "destination": "/dev/init",
            "type": "bind",
            "source": INIT_PATH,
            "options": ["bind", "ro", "nosuid", "nodev"],
        }
    )
    return mounts


def _mount(destination: str, fstype: str, options: list[str]) -> dict[str, Any]:
    return {
        "destination": destination,
        "type": fstype,
        "source": fstype,
        "options": options,
    }
