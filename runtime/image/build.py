"""Builds an image with the distribution's own tool, mmdebstrap; never leaves half of one.

Everything happens in a folder beside the image's place (`.NAME.new`), under a lock that the tool
inherits: whatever is interrupted, also by `kill -9`, is removed by the next build, and not before
the tool itself has ended. What the tool mounts, it mounts where nobody else sees it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import time
from typing import TYPE_CHECKING

import structlog

from runtime.image import boot
from runtime.image.definition import Definition, definitions
from runtime.image.store import LOCK, Image, Store
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Progress = Callable[[str, int], None]

log = structlog.get_logger()

# What mmdebstrap announces, in its order, and how much of the whole is done by then.
_STEPS = {
    "running apt-get update": ("reading the package lists", 2),
    "downloading packages": ("downloading packages", 5),
    "extracting archives": ("unpacking the base system", 15),
    "installing essential": ("installing the base system", 20),
    "installing remaining": ("installing the tools", 45),
    "running --customize-hook": ("setting up the learner's account", 95),
    "cleaning package lists": ("cleaning up", 97),
}
# Three lines a package while the tools are installed; they fill the stretch from 45 to 95.
_PACKAGE_LINE = re.compile(r"(Get:\d+ .*|Unpacking .*|Setting up .*)")
# The manual's index takes a minute on a slow disk, and only apropos reads it.
_NO_INDEX = "echo man-db man-db/auto-update boolean false"
_TOTAL_LINE = re.compile(r"\d+ upgraded, (\d+) newly installed")


class Builder:
    """Makes images from their definitions.

    Attributes:
        store: where they go.

    Args:
        store: likewise.
        known: what can be built, by name; what this checkout's lessons bring, if not said.
    """

    def __init__(self, store: Store, known: dict[str, Definition] | None = None) -> None:
        self.store = store
        self._known = definitions() if known is None else known

    def build(self, name: str, tell: Progress, *, again: bool = False, root: str = "") -> Image:
        """Make an image whole, or leave no trace.

        Takes about 40 s and 350 MB for `slipway/base`.

        Args:
            name: which; its definition must be known.
            tell: called with a step's name and the percentage done; what it raises stops the build.
            again: also where the image is here already. Living labs keep the old one.
            root: a tar archive to unpack in place of a build (made by mmdebstrap, say).

        Raises:
            Problem: `image-unknown`, `image-build-failed`.
        """
        definition = self._definition(name)
        if definition.extends:
            self.build(definition.extends, tell)
        with self._lock(tell) as lock_fd:
            if self.store.has(name) and not again:
                return self.store.get(name)
            new = self.store.place(name).with_name(f".{self.store.place(name).name}.new")
            spawn.remove(new)
            try:
                (new / "rootfs").mkdir(parents=True)
                new.chmod(0o755)
                base = self.store.get(definition.extends) if definition.extends else None
                if root:
                    _unpack(root, new / "rootfs", tell)
                else:
                    _bootstrap(definition, base, new / "rootfs", tell, lock_fd)
                _make_bootable(new, base, definition.suite or own_suite(), tell)
                tell("done", 100)
                return self.store.adopt(new, _describe(definition, new / "rootfs"))
            except (spawn.ProgramFailed, OSError) as error:
                raise _failure(name, error) from error
            finally:
                spawn.remove(new)

    def _definition(self, name: str) -> Definition:
        if name not in self._known:
            raise Problem(
                "image-unknown",
                f"Nothing here says how to build {name[:80]!r}.",
                f"This checkout can build: {', '.join(self._known)}.",
            )
        return self._known[name]

    @contextlib.contextmanager
    def _lock(self, tell: Progress) -> Iterator[int]:
        """Let one build run at a time; the second waits and then finds the image there."""
        self.store.path.mkdir(parents=True, exist_ok=True)
        lock_fd = os.open(self.store.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell("waiting for another build", 0)
                fcntl.flock(lock_fd, fcntl.LOCK_EX)
            yield lock_fd
        finally:
            os.close(lock_fd)


def _bootstrap(
    definition: Definition, base: Image | None, rootfs: Path, tell: Progress, lock_fd: int
) -> None:
    """Let mmdebstrap make the root file system, or add to a copy of another image's."""
    begin = ["--variant=minbase"]
    if base is not None:
        copy = f'cp -a --reflink=auto "{base.rootfs_path}/." "$1"'
        # Its own first folders would be in the way of what is copied.
        begin = ["--variant=custom", "--skip=setup/mkdir,cleanup/tmp", f"--setup-hook={copy}"]
    argv = [
        *spawn.alone(), "mmdebstrap", "--verbose", "--format=directory", *begin,
        f"--include={','.join(definition.packages)}",
        "--aptopt=Acquire::Languages \"none\"",
        "--aptopt=Acquire::Retries \"3\"",
        # An interrupted build is thrown away, so nothing has to be safe on disk before its end.
        "--dpkgopt=force-unsafe-io",
        # Translations of messages and manuals: 50 MB that a C.UTF-8 session never reads.
        "--dpkgopt=path-exclude=/usr/share/locale/*/*",
        "--dpkgopt=path-exclude=/usr/share/man/??/*",
        "--dpkgopt=path-exclude=/usr/share/man/??_*/*",
        f"--essential-hook={_NO_INDEX} | chroot \"$1\" debconf-set-selections",
        *(f"--customize-hook={hook}" for hook in _hooks(definition)),
        definition.suite or own_suite(), str(rootfs), *archives(definition.suite),
    ]  # fmt: skip
    epoch = {"SOURCE_DATE_EPOCH": str(definition.epoch)}
    spawn.run_aloud(argv, _Listener(tell).hear, env=epoch, pass_fds=(lock_fd,))
    # A lab has a /dev of its own, and without device nodes a root needs no right to be copied.
    spawn.remove(rootfs / "dev")
    (rootfs / "dev").mkdir(mode=0o755)
    _clamp(rootfs, definition.epoch)


def _make_bootable(new: Path, base: Image | None, suite: str, tell: Progress) -> None:
    """Add what machines boot from; an image without it still makes containers."""
    try:
        if base is None:
            boot.add(new, suite, archives(suite), tell)
        else:
            boot.add_as(new, base.rootfs_path.parent, tell)
    except (spawn.ProgramFailed, OSError) as error:
        log.warning("image.not_bootable", error=str(error))
        spawn.remove(new / boot.FOLDER)


def _hooks(definition: Definition) -> list[str]:
    """Give the commands that run in the finished root, which is `$1`."""
    user = f"--uid {definition.uid} --shell {definition.shell} --create-home {definition.user}"
    return [
        f'cp -R --no-preserve=ownership "{definition.files_path}/." "$1/"',
        'find "$1/etc/sudoers.d" -type f -exec chmod 0440 {} +',
        *([] if definition.extends else [f'chroot "$1" useradd --user-group {user}']),
        # Hosts' names and the resolver's address are each lab's own.
        ': > "$1/etc/hostname"; : > "$1/etc/resolv.conf"; : > "$1/etc/machine-id"',
        'rm -rf "$1"/var/log/*.log "$1"/var/log/apt/* "$1"/var/cache/ldconfig/aux-cache',
        'rm -f "$1"/usr/sbin/policy-rc.d',
        *([f'sh "{definition.finish_path}" "$1"'] if definition.finish_path else []),
    ]


def own_suite() -> str:
    """Give the code name of the distribution that we run on."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def archives(suite: str) -> list[str]:
    """Give the archives that this machine itself is set up with, as lines of sources.list.

    For another suite than the host's, or where apt knows none, mmdebstrap's default serves.
    """
    if suite and suite != own_suite():
        return []
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    if not (lines := spawn.run(targets).stdout.split("\n")[:-1]):
        spawn.run(["apt-get", "-qq", "update"], timeout_s=300)
        lines = spawn.run(targets).stdout.split("\n")[:-1]
    wanted = (line for line in lines if line.endswith((" main", " universe")))
    return sorted(set(wanted))


class _Listener:
    """Turns what mmdebstrap says into steps and percentages."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._step = "starting"
        self._base = 0
        self._seen = 0
        self._total = 0

    def hear(self, line: str) -> None:
        """Take one line of its output."""
        if line.startswith("I: "):
            self._announce(line[3:])
        elif match := _TOTAL_LINE.match(line):
            self._seen, self._total = 0, 3 * int(match[1])
        elif self._base == 45 and self._total and _PACKAGE_LINE.fullmatch(line):
            self._seen += 1
            self._tell(self._step, self._base + min(50, 50 * self._seen // self._total))

    def _announce(self, text: str) -> None:
        for start, (step, percent) in _STEPS.items():
            if text.startswith(start) and percent > self._base:
                self._step, self._base = step, percent
                self._tell(step, percent)


def _clamp(rootfs: Path, epoch: int) -> None:
    """Give whatever is newer than `epoch` that date, as mmdebstrap does in archives."""
    for folder, folders, files in os.walk(rootfs):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118  15,000 of them
            if os.lstat(path).st_mtime > epoch:
                os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.utime(rootfs, (epoch, epoch))


def _unpack(tar: str, rootfs: Path, tell: Progress) -> None:
    """Fill the root from an archive made elsewhere.

    tar itself lets no member leave the folder. What it could bring besides is left out: devices,
    which a lab has no use for (one of them is overlayfs's word for “deleted”), and attributes by
    which overlayfs is told where a folder really is.
    """
    tell("unpacking", 10)
    spawn.run(
        ["tar", "--extract", "--numeric-owner", "--xattrs",
         "--xattrs-include=*", "--xattrs-exclude=trusted.*",
         f"--file={tar}", f"--directory={rootfs}"],
        timeout_s=600,
    )  # fmt: skip
    spawn.run(["find", str(rootfs), "-xdev", "-type", "b,c", "-delete"])


def _describe(definition: Definition, rootfs: Path) -> Image:
    """Say what was built, from what is there."""
    entries = (line.split(":") for line in (rootfs / "etc/passwd").read_text().splitlines())
    account = next((entry for entry in entries if entry[0] == definition.user), None)
    if account is None:
        raise OSError(f"its /etc/passwd has no {definition.user}")
    kilobytes = spawn.run(["du", "-skx", str(rootfs)]).stdout.split("\t", 1)[0]
    return Image(
        name=definition.name,
        rootfs_path=rootfs,
        user=definition.user,
        uid=int(account[2]),
        gid=int(account[3]),
        home=account[5],
        shell=account[6],
        size_bytes=int(kilobytes) * 1024,
        built_at=int(time.time()),
    )


def _failure(name: str, error: Exception) -> Problem:
    """Explain a build that didn't end well; nothing of it is left."""
    if spawn.find("mmdebstrap") is None:
        return Problem(
            "image-build-failed",
            "mmdebstrap, which builds images, is not installed.",
            "Install it with `apt-get install mmdebstrap`, or start with `./slipway`.",
        )
    said = error.stderr.splitlines() if isinstance(error, spawn.ProgramFailed) else [str(error)]
    reason = next(
        (line for line in said if line.startswith(("E: ", "Err:"))), said[-1] if said else ""
    )
    return Problem(
        "image-build-failed",
        f"The image {name} could not be built: {reason.strip()}.",
        "Nothing of it was kept. Look at the network and the free disk space, then try again.",
        image=name,
    )
