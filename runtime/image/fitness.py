"""Whether an image can run on this server, and what is surprising about it."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_BARE_SHELLS = {"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/usr/bin/bash"}


def architecture() -> str:
    """What registries call this server's kind of processor."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def choose(name: str, index: dict[str, Any]) -> str:
    """The digest of the variant that runs here, out of a list of them.

    Raises:
        Problem: `image-unfit` where there is none.
    """
    variants = [each for each in index.get("manifests", []) if isinstance(each, dict)]
    kinds = [_kind(each.get("platform", {})) for each in variants]
    for variant, kind in zip(variants, kinds, strict=True):
        if kind == ("linux", architecture()):
            return str(variant.get("digest", ""))
    raise _unfit(name, (each for each in kinds if "unknown" not in each))


def require(name: str, settings: dict[str, Any]) -> None:
    """Refuse an image that is for another kind of machine.

    Args:
        name: as it was asked for.
        settings: its OCI image config.

    Raises:
        Problem: `image-unfit`.
    """
    kind = _kind(settings)
    if kind != ("linux", architecture()):
        raise _unfit(name, [kind])


def notes(settings: dict[str, Any], *, has_shell: bool) -> list[str]:
    """What somebody should know who chooses this image; a sentence each, none where all is usual.

    Args:
        settings: its OCI image config.
        has_shell: whether there is a shell in it.
    """
    config = settings.get("config") or {}
    words = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    found = []
    if not words:
        found.append("It doesn't say what to start, so each `run` must name a command.")
    elif len(words) == 1 and words[0] in _BARE_SHELLS:
        found.append(
            "It starts a shell, which ends at once unless somebody types into it: `run -it`, or "
            "name a command."
        )
    if not has_shell:
        found.append("There is no shell in it: `exec … sh` and builds with RUN fail.")
    return found


def _kind(raw: dict[str, Any]) -> tuple[str, str]:
    return str(raw.get("os") or "linux"), str(raw.get("architecture") or "unknown")


def _unfit(name: str, kinds: Iterable[tuple[str, str]]) -> Problem:
    there = sorted({f"{system}/{kind}" for system, kind in kinds})
    return Problem(
        "image-unfit",
        f"{name} can't run on this server, which is linux/{architecture()}: it is for "
        f"{', '.join(there) or 'no known machine'}.",
        "Choose an image that has a variant for this machine. Nothing of it was kept.",
        image=name,
        there=there,
    )
