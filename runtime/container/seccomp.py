"""The system call filter: what Debian ships for docker, rendered for what a profile keeps."""

from __future__ import annotations

import errno
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.container.profile import Profile

# Set-up takes this one file out of Debian's package; the whole package would bring 270 others.
MOBY_DEFAULTS = (
    Path(__file__).resolve().parents[2] / ".slipway/moby-seccomp.json",
    Path("/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"),
)
# The kernel's name of the machine, then libseccomp's and Go's.
_ARCHITECTURES = {
    "x86_64": ("SCMP_ARCH_X86_64", "amd64"),
    "aarch64": ("SCMP_ARCH_AARCH64", "arm64"),
}


def render(profile: Profile) -> dict[str, Any]:
    """The `linux.seccomp` of an OCI description.

    Only the native architecture is listed: that saves a third of crun's start, and closes the way
    round the filter by 32-bit calls. What the default knows and doesn't allow is refused (EPERM);
    what nobody knows yet doesn't exist (ENOSYS), so that libc falls back to an older call.

    Raises:
        Problem: `seccomp-missing`, `architecture-unknown`.
    """
    return _render(_moby_default(), profile, os.uname().machine)


def _render(default: dict[str, Any], profile: Profile, machine: str) -> dict[str, Any]:
    if machine not in _ARCHITECTURES:
        raise Problem(
            "architecture-unknown",
            f"Slipway has no system call filter for {machine}.",
            "Run it on x86_64 or aarch64.",
        )
    scmp_name, go_name = _ARCHITECTURES[machine]
    rules = []
    decided: set[str] = set()
    for rule in default["syscalls"]:
        kept = sorted(set(rule["names"]) - profile.refused_syscalls)
        if kept and _applies(rule, profile.capabilities, go_name):
            fields = ("action", "args", "errnoRet")
            rules.append({"names": kept, **{key: rule[key] for key in fields if rule.get(key)}})
            decided.update(kept)
    refused = {name for rule in default["syscalls"] for name in rule["names"]} - decided
    refused |= profile.refused_syscalls
    rules.append(
        {"names": sorted(refused), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
    )
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.ENOSYS,
        "architectures": [scmp_name],
        "syscalls": rules,
    }


def _applies(rule: dict[str, Any], capabilities: tuple[str, ...], architecture: str) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if not set(includes.get("caps", ())) <= set(capabilities):
        return False
    if set(excludes.get("caps", ())) & set(capabilities):
        return False
    if "arches" in includes and architecture not in includes["arches"]:
        return False
    return architecture not in excludes.get("arches", ())


@cache
def _moby_default() -> dict[str, Any]:
    path = next((path for path in MOBY_DEFAULTS if path.is_file()), None)
    if path is None:
        raise Problem(
            "seccomp-missing",
            "The system call filter that containers start under isn't on this machine.",
            "Start with `./slipway`, which fetches it.",
        )
    found: dict[str, Any] = json.loads(path.read_text())
    return found
