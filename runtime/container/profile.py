"""A profile: what a container may do, read from `runtime/profiles/NAME.toml` with its reasons."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Container

_PROFILES = Path(__file__).parents[1] / "profiles"


class Socket(NamedTuple):
    """Sockets that may be opened, by the three numbers of socket(2).

    Attributes:
        family: the first.
        kind: the second without its flags, such as SOCK_RAW; None for any.
        protocol: the third; None for any.
    """

    family: int
    kind: int | None = None
    protocol: int | None = None


class Unread(NamedTuple):
    """What sockets may hold that nobody reads, where the kernel charges it to no cgroup.

    Attributes:
        sockets: how many of such kinds there may be.
        size: bytes that wait in all of them together.
    """

    sockets: int
    size: int


class Made(NamedTuple):
    """What networks may hold that a lab makes, all of them together.

    Attributes:
        size: bytes of the kernel's memory, as `labs/weight.py` estimates them.
        neighbours: of those that the machine has a table for.
    """

    size: int
    neighbours: int


@dataclass(frozen=True)
class Seccomp:
    """How a profile's system calls differ from what the shipped filter says.

    Attributes:
        refused: taken from what it allows.
        allowed: with any arguments, whatever it says.
        absent: answered as by a kernel that has no such call.
        sockets: those that may be opened; a family of which there are none isn't supported.
        refused_sockets: those of open families that whoever isn't root could not open either.
        socket_options: numbers that setsockopt(2) refuses.
        option_levels: numbers that it lets in at some levels only; SOL_SOCKET isn't one of them.
        process_options: numbers that prctl(2) doesn't know.
    """

    refused: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    sockets: tuple[Socket, ...] = ()
    refused_sockets: tuple[Socket, ...] = ()
    socket_options: tuple[int, ...] = ()
    option_levels: tuple[tuple[int, tuple[int, ...]], ...] = ()
    process_options: tuple[int, ...] = ()


@dataclass(frozen=True)
class Profile:
    """One profile, by the names of the OCI description.

    Attributes:
        name: of its file.
        image: what its labs are made from where nobody says; empty for the usual one.
        capabilities: with the CAP_ in front.
        masked_paths: hidden from the container.
        readonly_paths: shown, not writable.
        has_bare_proc: whether nothing may cover any part of /proc.
        has_writable_sys: whether /sys is mounted as on any system.
        propagation: of the root's mounts; empty for the usual one, private.
        sysctls: set in the container's namespaces.
        ipc_sysctls: likewise, where the kernel lets a lab's root set those of its ipc namespace.
        rlimits: name without RLIMIT_, then soft and hard.
        tmpfs: mount point to size_bytes, inodes, mode, options.
        devices: nodes beyond those of every container.
        volumes: folders that lie on the lab's disk itself, the image's user's own.
        shared_images: folders of the image that are seen under the ids of the user's containers.
        server_images: where the server's store is seen likewise; the image has an empty one there.
        engine_settings: the file that tells the learner's engine of its lab; empty for none.
        registry_settings: the file that tells it of the workshop's registry; empty for none.
        cgroups: how many the user may make below the lab's, where the kernel can bound them; 0 for
            none.
        namespaces: how many of a kind may be made below the lab's user namespace.
        unread: what the lab's sockets may hold beside its memory.
        made: what networks may hold that it makes; None where it can't make one.
        seccomp: the difference of the system call filter.
    """

    name: str
    image: str
    capabilities: tuple[str, ...]
    masked_paths: tuple[str, ...]
    readonly_paths: tuple[str, ...]
    has_bare_proc: bool
    has_writable_sys: bool
    propagation: str
    sysctls: dict[str, str]
    ipc_sysctls: dict[str, str]
    rlimits: dict[str, tuple[int, int]]
    tmpfs: dict[str, dict[str, Any]]
    devices: tuple[str, ...]
    volumes: tuple[str, ...]
    shared_images: tuple[str, ...]
    server_images: tuple[str, ...]
    engine_settings: str
    registry_settings: str
    cgroups: int
    namespaces: dict[str, int]
    unread: Unread
    made: Made | None
    seccomp: Seccomp


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
    raw = _merged(name)
    uncovered = raw.get("uncovered_paths", {})
    return Profile(
        name=name,
        image=raw.get("image", ""),
        capabilities=tuple(f"CAP_{each}" for each in raw["capabilities"]),
        masked_paths=_covered(raw["masked_paths"], uncovered),
        readonly_paths=_covered(raw["readonly_paths"], uncovered),
        has_bare_proc="/proc" in uncovered,
        has_writable_sys="writable_sys" in raw,
        propagation=raw.get("mounts", {}).get("propagation", {}).get("value", ""),
        sysctls=_values(raw.get("sysctls", {})),
        ipc_sysctls=_values(raw.get("ipc_sysctls", {})),
        rlimits={key: (each["soft"], each["hard"]) for key, each in raw["rlimits"].items()},
        tmpfs=raw["tmpfs"],
        devices=tuple(raw.get("devices", ())),
        volumes=tuple(raw.get("volumes", ())),
        shared_images=tuple(raw.get("shared_images", ())),
        server_images=tuple(raw.get("server_images", ())),
        engine_settings=raw.get("engine_settings", ""),
        registry_settings=raw.get("registry_settings", ""),
        cgroups=raw.get("cgroups", {}).get("most", 0),
        namespaces={kind: each["most"] for kind, each in raw.get("namespaces", {}).items()},
        unread=Unread(raw["unread"]["sockets"]["most"], raw["unread"]["bytes"]["most"]),
        made=_made(raw.get("networks")),
        seccomp=_seccomp(raw["seccomp"]),
    )


def _made(table: dict[str, dict[str, Any]] | None) -> Made | None:
    return Made(table["bytes"]["most"], table["neighbours"]["most"]) if table else None


def _values(table: dict[str, dict[str, str]]) -> dict[str, str]:
    return {key: each["value"] for key, each in table.items()}


def names() -> list[str]:
    """The profiles that can be asked for."""
    return sorted(path.stem for path in _PROFILES.glob("*.toml"))


def _merged(name: str) -> dict[str, Any]:
    """A file's tables, over those of the profile that it extends."""
    raw = tomllib.loads((_PROFILES / f"{name}.toml").read_text())
    return _over(_merged(raw["extends"]), raw) if "extends" in raw else raw


def _over(base: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    merged = {**base, **raw}
    for key, value in raw.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _over(base[key], value)
    return merged


def _covered(paths: dict[str, str], uncovered: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        path for path in paths if not any(Path(path).is_relative_to(open_) for open_ in uncovered)
    )


def _seccomp(raw: dict[str, Any]) -> Seccomp:
    left_out = raw.get("sockets_left_out", {})
    return Seccomp(
        refused=frozenset(raw["refused"]),
        allowed=frozenset(raw.get("allowed", ())),
        absent=frozenset(raw.get("absent", ())),
        sockets=_sockets(raw["sockets"], left_out),
        refused_sockets=_sockets(raw["refused_sockets"], left_out),
        socket_options=_numbers(raw, "socket_options"),
        option_levels=tuple(
            (int(number), tuple(each["levels"]))
            for number, each in raw["levels_of_socket_options"].items()
        ),
        process_options=_numbers(raw, "process_options"),
    )


def _numbers(raw: dict[str, Any], name: str) -> tuple[int, ...]:
    left_out = raw.get(f"{name}_left_out", {})
    return tuple(int(number) for number in raw.get(name, ()) if number not in left_out)


def _sockets(table: dict[str, Any], left_out: Container[str]) -> tuple[Socket, ...]:
    return tuple(
        Socket(each["family"], each.get("type"), protocol)
        for name, each in table.items()
        if name not in left_out
        for protocol in each.get("protocols", [None])
    )
