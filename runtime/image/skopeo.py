"""The program that speaks with registries, archives and the store; what it says is for refusals.py.

Each run has a mount namespace of its own, since the store's library leaves a mount behind.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runtime.kernel import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runtime.image.reference import Reference

_ASK_S = 60
_STEP_S = 0.25
_LAST_WORDS = 8 << 10


@dataclass(frozen=True)
class Access:
    """Who asks a registry."""

    user: str
    password: str


@dataclass(frozen=True)
class Source:
    """Where an image comes from.

    Attributes:
        address: as skopeo writes it.
        place: who is spoken with, for sentences; empty for the usual registry.
        is_plain: without TLS.
        auth_fd: a descriptor with what opens the registry; None to ask as anybody.
    """

    address: str
    place: str = ""
    is_plain: bool = False
    auth_fd: int | None = None

    def options(self, prefix: str = "") -> list[str]:
        """What a command line says besides the address."""
        words = []
        if self.is_plain:
            words.append(f"--{prefix}tls-verify=false")
        if self.auth_fd is not None:
            words.append(f"--{prefix}authfile=/proc/self/fd/{self.auth_fd}")
        return words

    @property
    def fds(self) -> tuple[int, ...]:
        """The descriptors that the command line names."""
        return () if self.auth_fd is None else (self.auth_fd,)


@contextmanager
def opened(wanted: Reference, access: Access | None = None) -> Iterator[Source]:
    """A registry's image as a source; a password is in memory only, and on no command line."""
    source = Source(wanted.source, wanted.registry, wanted.is_plain)
    if access is None:
        yield source
        return
    token = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
    fd = os.memfd_create("slipway-registry", os.MFD_CLOEXEC)
    try:
        os.write(fd, json.dumps({"auths": {wanted.registry: {"auth": token}}}).encode())
        yield replace(source, auth_fd=fd)
    finally:
        os.close(fd)


def manifest(source: Source) -> bytes:
    """What an image is made of, byte by byte as its digest was taken.

    Raises:
        ProgramFailed: skopeo could not have it.
    """
    return _inspect(source, "--raw")


def settings(source: Source) -> dict[str, Any]:
    """What an image starts, as whom, and for which machine.

    Raises:
        ProgramFailed: skopeo could not have it.
        ValueError: it isn't what it should be.
    """
    found = json.loads(_inspect(source, "--raw", "--config"))
    if not isinstance(found, dict):
        raise ValueError("its settings are no object")  # noqa: TRY004 - of what came
    return found


def copy(
    source: Source,
    into: str,
    folder: Path,
    look: Callable[[int], None],
    held: Sequence[int],
) -> None:
    """Copy an image into the store.

    Args:
        source: from where.
        into: the store's address of it.
        folder: takes what has come and isn't unpacked yet; the caller's to remove.
        look: called each quarter of a second with how many bytes have come; what it raises ends
            the copy.
        held: locks that stay open in skopeo, so that they hold should we be killed.

    Raises:
        ProgramFailed: it came to nothing.
    """
    argv = [
        *spawn.alone(), "skopeo", f"--tmpdir={folder}", "copy", "--retry-times=1",
        *source.options("src-"), source.address, into,
    ]  # fmt: skip
    with tempfile.TemporaryFile() as said:
        process = spawn.start(
            argv, stdout=said.fileno(), stderr=said.fileno(), pass_fds=(*source.fds, *held)
        )
        with process:
            try:
                while spawn.wait_ready([], process, _STEP_S) is None:
                    look(bytes_in(folder))
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS))
            words = said.read().decode(errors="replace")
            raise spawn.failed(argv, process.returncode, words)


def _inspect(source: Source, *how: str) -> bytes:
    argv = [*spawn.alone(), "skopeo", f"--command-timeout={_ASK_S}s", "inspect", *how,
            *source.options(), source.address]  # fmt: skip
    done = spawn.run(argv, timeout_s=2 * _ASK_S, pass_fds=source.fds)
    return done.stdout.encode()


def bytes_in(folder: Path) -> int:
    """What the files below a folder hold, which may change meanwhile."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(place, name)).st_size  # noqa: PTH116, PTH118
            except OSError:  # gone meanwhile
                continue
    return total
