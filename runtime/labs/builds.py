"""Builds that the instructor's page asks for: as the command line's, told of as fetches are."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from runtime.image.build import Builder
from runtime.image.refusals import printable
from runtime.labs import building
from runtime.labs.state import Order, Shape
from runtime.limits.amounts import Limits
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.fetch import Fetcher, Tell
    from runtime.image.reference import Reference
    from runtime.image.shared import SharedImage
    from runtime.image.store import Store
    from runtime.labs.house import Labs
    from runtime.labs.state import Lab

DISK_BYTES = 1 << 30
_KEPT_BYTES = 4096


class Builds:
    """Builds in labs of this server.

    Args:
        labs: where.
        roots: what such labs start from.
        fetcher: fills the store.
        mirror: asked first for what an image starts from.
        most: what one lab may have.
        longest_s: how long one may live.
    """

    def __init__(
        self,
        labs: Labs,
        roots: Store,
        fetcher: Fetcher,
        mirror: Reference | None,
        most: Limits,
        longest_s: float,
    ) -> None:
        self._labs = labs
        self._roots = roots
        self._fetcher = fetcher
        self._mirror = mirror
        self._most = most
        self._longest_s = longest_s

    def build(self, context: IO[bytes], name: str, tell: Tell) -> SharedImage:
        """Build an image and take it into the store.

        Args:
            context: a tar file of the folder with the Containerfile.
            name: of the image, without `localhost/`.
            tell: hears how far it is; what it raises ends the build.

        Raises:
            Problem: `image-definition`, `image-build-failed` with the last that it said, and
                what fetching, making a lab and taking an archive raise.
        """
        recipe = building.Recipe.read(context, name, f"The folder “{name}”")
        if not self._roots.has(building.IMAGE):
            Builder(self._roots).build(building.IMAGE, lambda step, _: tell(step, 0, 0))
        building.have_bases(recipe, self._roots, self._fetcher, self._mirror, tell)
        tell("making a lab to build in", 0, 0)
        said = _Listener()
        try:
            with said, self._lab() as lab:
                place = _Place(self._labs, lab, said.write_fd, tell)
                return building.build(recipe, place, self._fetcher, said.write_fd, tell)
        except Problem as problem:
            tell("building", 0, 0)  # who gave it up isn't told that it failed
            if "exit_code" not in problem.facts:
                raise
            why = f"it said “{said.end()}”"
            raise building.failed(recipe.name, why) from problem

    @contextmanager
    def _lab(self) -> Iterator[Lab]:
        limits = Limits(
            memory_bytes=building.MEMORY_BYTES,
            pids=building.PIDS,
            cpu_cores=building.CORES,
            disk_bytes=DISK_BYTES,
        )
        limits = limits.within(self._most)
        shape = Shape(building.IMAGE, building.PROFILE, internet=True, limits=limits)
        until = time.time() + min(2 * building.TIMEOUT_S, self._longest_s)
        lab = self._labs.create(Order(f"build-{time.time_ns()}", shape, until))
        try:
            yield lab
        finally:
            self._labs.remove(lab.id)


class _Place(NamedTuple):
    """The lab of one build."""

    labs: Labs
    lab: Lab
    said_fd: int
    tell: Tell

    def run(self, command: str, stdin: int, stdout: int) -> int:
        """Run a line of shell there; it ends when the build is given up."""
        argv = ["/bin/bash", "-o", "pipefail", "-lc", command]
        fds = (stdin, stdout, self.said_fd)
        execute = self.labs.living.execute
        return execute(self.lab, argv, "learner", tty=False, fds=fds, is_gone=self._is_unwanted)

    def _is_unwanted(self) -> bool:
        try:
            self.tell("building", 0, 0)
        except Exception:  # noqa: BLE001 - whatever it raises means that
            return True
        return False


class _Listener:
    """Hears all that a build says, and keeps its end: it may say a gigabyte."""

    def __init__(self) -> None:
        self._read_fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        self._kept = b""
        self._thread = threading.Thread(target=self._hear, daemon=True)

    def __enter__(self) -> _Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.write_fd)
        self._thread.join()
        os.close(self._read_fd)

    def end(self) -> str:
        """The last two lines that say something: the reason, and which step it was."""
        lines = [printable(each) for each in self._kept.decode(errors="replace").splitlines()]
        return " / ".join([each for each in lines if each][-2:])

    def _hear(self) -> None:
        with suppress(OSError):
            while piece := os.read(self._read_fd, 65536):
                self._kept = (self._kept + piece)[-_KEPT_BYTES:]
