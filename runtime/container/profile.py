"""A profile: what a container may do, read from `runtime/profiles/NAME.toml` with its reasons."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from runtime.problems import Problem

_PROFILES = Path(__file__).parents[1] / "profiles"


@dataclass(frozen=True)
class Profile:
    """One profile, by the names of the OCI description.

    Attributes:
        name: of its file.
        capabilities: with the CAP_ in front.
        masked_paths: hidden from the container.
        readonly_paths: shown, not writable.
        sysctls: set in the container's namespaces.
        ipc_sysctls: likewise, where the kernel lets a lab's root set those of its ipc namespace.
        rlimits: name without RLIMIT_, then soft and hard.
        tmpfs: mount point to size_bytes, inodes, mode, options.
        refused_syscalls: taken from what the shipped seccomp profile allows.
    """

    name: str
    capabilities: tuple[str, ...]
    masked_paths: tuple[str, ...]
    readonly_paths: tuple[str, ...]
    sysctls: dict[str, str]
    ipc_sysctls: dict[str, str]
    rlimits: dict[str, tuple[int, int]]
    tmpfs: dict[str, dict[str, Any]]
    refused_syscalls: frozenset[str]


@cache
def load(name: str) -> Profile:
    """Read a profile; the file is read once.

    Raises:
        Problem: `profile-unknown`.
    """
    known = names()
    if name not in known:
        raise Problem(
            "profile-unknown",
            f"There is no profile {name[:40]!r}.",
            f"Choose one of: {', '.join(known)}.",
        )
    raw = tomllib.loads((_PROFILES / f"{name}.toml").read_text())
    return Profile(
        name=name,
        capabilities=tuple(f"CAP_{each}" for each in raw["capabilities"]),
        masked_paths=tuple(raw["masked_paths"]),
        readonly_paths=tuple(raw["readonly_paths"]),
        sysctls=_values(raw.get("sysctls", {})),
        ipc_sysctls=_values(raw.get("ipc_sysctls", {})),
        rlimits={key: (each["soft"], each["hard"]) for key, each in raw["rlimits"].items()},
        tmpfs=raw["tmpfs"],
        refused_syscalls=frozenset(raw["seccomp"]["refused"]),
    )


def _values(table: dict[str, dict[str, str]]) -> dict[str, str]:
    return {key: each["value"] for key, each in table.items()}


def names() -> list[str]:
    """The profiles that can be asked for."""
    return sorted(path.stem for path in _PROFILES.glob("*.toml"))
