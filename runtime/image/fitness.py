"""Whether an image can run on this server, and what is surprising about it."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, Any

from runtime.image.reference import DIGEST
from runtime.image.refusals import printable
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FOLDERS_MOST = 64  # of a PATH that strangers wrote, in which is looked each time images are listed
_BARE_SHELLS = {"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash", "/usr/bin/bash"}


def architecture() -> str:
    """What registries call this server's kind of processor."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def _here() -> tuple[str, str]:
    return "linux", architecture()


def choose(name: str, index: dict[str, Any]) -> str:
    """The digest of the variant that runs here, out of a list of them.

    Raises:
        Problem: `image-unfit` where there is none.
        ValueError: it is no such list.
    """
    listed = index.get("manifests")
    if not isinstance(listed, list):
        raise ValueError("its list of variants is none")  # noqa: TRY004 - of what came
    variants = [each for each in listed if isinstance(each, dict)]
    kinds = [_kind(each.get("platform")) for each in variants]
    ours = [each for each, kind in zip(variants, kinds, strict=True) if kind == _here()]
    # Where it isn't said what one is for, its own settings tell.
    unsaid = [each for each in variants if each.get("platform") is None]
    if not ours + unsaid:
        raise _unfit(name, (each for each in kinds if "unknown" not in each))
    digest = str((ours + unsaid)[0].get("digest"))
    if not re.fullmatch(DIGEST, digest):
        raise ValueError("its list of variants doesn't say which one runs here")
    return digest


def require(name: str, settings: dict[str, Any]) -> None:
    """Refuse an image that is for another kind of machine.

    Args:
        name: as it was asked for.
        settings: its OCI image config.

    Raises:
        Problem: `image-unfit`.
    """
    kind = _kind(settings)
    if kind != _here():
        raise _unfit(name, [kind])


def notes(settings: dict[str, Any], *, has_shell: bool, has: Callable[[str], bool]) -> list[str]:
    """What somebody should know who chooses this image; a sentence each, none where all is usual.

    Args:
        settings: its OCI image config.
        has_shell: whether there is a shell in it.
        has: says whether something is at a path of it.
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
    elif not _is_found(words[0], config.get("Env"), has):
        found.append(
            f"It starts `{printable(words[0])[-60:]}`, which isn't in it, so a container of it "
            "ends at once: name a command."
        )
    if not has_shell:
        found.append("There is no shell in it: `exec … sh` and builds with RUN fail.")
    return found


def _is_found(program: object, environ: object, has: Callable[[str], bool]) -> bool:
    """Whether a container finds the program; true as well where nobody can tell."""
    if not isinstance(program, str) or not program:
        return False
    if "/" in program:
        return not program.startswith("/") or has(program)
    set_ = [each for each in environ if isinstance(each, str)] if isinstance(environ, list) else []
    told = next((each for each in set_ if each.startswith("PATH=")), f"PATH={_USUAL_PATH}")
    folders = told.removeprefix("PATH=").split(":")
    return len(folders) > _FOLDERS_MOST or any(has(f"{folder}/{program}") for folder in folders)


def _kind(raw: object) -> tuple[str, str]:
    if not isinstance(raw, dict):
        raw = {}
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
