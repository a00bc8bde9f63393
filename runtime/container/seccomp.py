"""The system call filter: what Debian ships for docker, rendered for what a profile keeps."""

from __future__ import annotations

import errno
import json
import os
import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.container.profile import Profile, Seccomp, Socket

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
_INT = 0xFFFFFFFF
_SOCKET_TYPES = 0xF  # above them are flags: SOCK_TYPE_MASK of the kernel's include/linux/net.h


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
    differs = profile.seccomp
    # What the profile decides itself, the default has no say in.
    own = differs.refused | differs.allowed | differs.absent | _with_arguments(differs)
    rules = []
    decided: set[str] = set()
    for rule in default["syscalls"]:
        kept = sorted(set(rule["names"]) - own)
        if kept and _applies(rule, profile.capabilities, go_name):
            fields = ("action", "args", "errnoRet")
            rules.append({"names": kept, **{key: rule[key] for key in fields if rule.get(key)}})
            decided.update(kept)
    refused = {name for rule in default["syscalls"] for name in rule["names"]} - decided - own
    refused |= differs.refused
    rules.append(
        {"names": sorted(refused), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
    )
    if differs.allowed:
        rules.append({"names": sorted(differs.allowed), "action": "SCMP_ACT_ALLOW"})
    rules += _sockets(differs) + _socket_options(differs) + _process_options(differs)
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.ENOSYS,
        "architectures": [scmp_name],
        "syscalls": rules,
    }


def _with_arguments(differs: Seccomp) -> set[str]:
    """The calls of which a profile allows some arguments only."""
    limited = {
        "socket": differs.sockets,
        "socketpair": differs.sockets,
        "setsockopt": differs.socket_options or differs.option_levels,
        "prctl": differs.process_options,
    }
    return {name for name, arguments in limited.items() if arguments}


def _sockets(differs: Seccomp) -> list[dict[str, Any]]:
    rules = [_allowed("socket", _socket(each)) for each in differs.sockets]
    rules += [_no("socket", _socket(each), errno.EPERM) for each in differs.refused_sockets]
    if differs.sockets:  # what nobody supports programs do without; ENOSYS they take for a failure
        others = _others(frozenset(each.family for each in differs.sockets), 0, 32)
        rules += [_no("socket", [_masked(0, *pair)], errno.EAFNOSUPPORT) for pair in others]
        rules += _pairs()
    return rules


def _socket_options(differs: Seccomp) -> list[dict[str, Any]]:
    levels = dict(differs.option_levels)
    decided = frozenset((*differs.socket_options, *levels))
    others = _others(decided, 0, 32) if decided else []
    rules = [_allowed("setsockopt", [_masked(2, *pair)]) for pair in others]
    for number, allowed in levels.items():
        option = _masked(2, _INT, number)
        rules += [_allowed("setsockopt", [_masked(1, _INT, level), option]) for level in allowed]
        own = _masked(1, _INT, socket.SOL_SOCKET)
        rules.append(_no("setsockopt", [own, option], errno.ENOPROTOOPT))
    return rules


def _process_options(differs: Seccomp) -> list[dict[str, Any]]:
    unknown = frozenset(differs.process_options)
    others = _others(unknown, 0, 32) if unknown else []
    rules = [_allowed("prctl", [_masked(0, *pair)]) for pair in others]
    return rules + [_no("prctl", [_masked(0, _INT, each)], errno.EINVAL) for each in unknown]


def _pairs() -> list[dict[str, Any]]:
    """Those of UNIX alone: for others the kernel opens both sockets before it says that it can't.

    Source: __sys_socketpair() of the kernel's net/socket.c.
    """
    unix = int(socket.AF_UNIX)
    others = _others(frozenset({unix}), 0, 32)
    rules = [_no("socketpair", [_masked(0, *pair)], errno.EOPNOTSUPP) for pair in others]
    return [_allowed("socketpair", [_masked(0, _INT, unix)]), *rules]


def _allowed(name: str, arguments: list[dict[str, Any]]) -> dict[str, Any]:
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": arguments}


def _no(name: str, arguments: list[dict[str, Any]], error: int) -> dict[str, Any]:
    return {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": arguments}


def _socket(opened: Socket) -> list[dict[str, Any]]:
    # The filter compares 64 bits, the kernel takes an int: 64 | 1 << 32 would walk past the others.
    arguments = [_masked(0, _INT, opened.family)]
    if opened.kind is not None:
        arguments.append(_masked(1, _SOCKET_TYPES, opened.kind))
    if opened.protocol is not None:
        arguments.append(_masked(2, _INT, opened.protocol))
    return arguments


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _others(refused: frozenset[int], prefix: int, bits: int) -> list[tuple[int, int]]:
    """Mask and value of every int but some: a filter has no rule for “none of these”.

    Args:
        refused: those that aren't wanted.
        prefix: the bits above the last `bits`, which are looked at now.
        bits: how many are still open.
    """
    if not any(value >> bits == prefix for value in refused):
        return [(_INT >> bits << bits, prefix << bits)]
    if bits == 0:
        return []
    halves = (prefix << 1, (prefix << 1) + 1)
    return [pair for half in halves for pair in _others(refused, half, bits - 1)]


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
