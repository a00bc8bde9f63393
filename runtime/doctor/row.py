"""Which of five kinds of machine this is; labs run on A and B."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runtime import rights
from runtime.doctor.finding import Finding, judged
from runtime.kernel import spawn, syscalls
from runtime.reached import is_contained

if TYPE_CHECKING:
    from collections.abc import Callable

Letter = Literal["A", "B", "C", "D", "E"]

# Loop devices, for the disks of labs; /dev/net/tun, for the networks of containers within them.
DEVICE_RULES = (
    "--device-cgroup-rule='c 10:237 rw' --device-cgroup-rule='b 7:* rw' "
    "--device-cgroup-rule='c 10:200 rwm'"
)
DOCKER_RUN = (
    "docker run --detach --name slipway --publish 8080:8080 --publish 20100-20119:20100-20119 "
    "--env SLIPWAY_PREVIEW_PORTS=20 --volume slipway:/var/lib/slipway "
    f"--cap-drop ALL {' '.join(f'--cap-add {name}' for name in rights.CAPABILITIES)} "
    f"{DEVICE_RULES} "
    "--security-opt seccomp=slipway-seccomp.json --security-opt systempaths=unconfined slipway"
)
_RESTART = f"Start the container with what docs/operating.md says: `{DOCKER_RUN}`."


@dataclass(frozen=True)
class Row:
    """A kind of machine.

    Attributes:
        letter: as in docs/operating.md.
        what: what kind that is.
        promise: what it gets.
    """

    letter: Letter
    what: str
    promise: str


ROWS: dict[Letter, Row] = {
    row.letter: row
    for row in (
        Row("A", "root on a machine of its own", "everything"),
        Row("B", "root in a container with the rights to make namespaces", "everything"),
        Row("C", "an ordinary user", "nothing yet: start Slipway as root"),
        Row("D", "a container that may make user namespaces and no more", "nothing yet"),
        Row("E", "a place where namespaces are forbidden", "no containers, and no imitations"),
    )
}


def row(namespaces: Finding, capabilities: Finding) -> Row:
    """The kind of machine, from what was found of its namespaces and our rights."""
    if os.geteuid() != 0:
        return ROWS["C"]
    if capabilities.state != "good":
        return ROWS["D" if namespaces.state == "good" else "E"]
    if namespaces.state != "good":
        return ROWS["E"]
    return ROWS["B" if is_contained() else "A"]


def root() -> Finding:
    """Links, mounts and cgroups are root's."""
    uid = os.geteuid()
    return judged(
        "root",
        good=uid == 0,
        found=f"user id {uid}",
        wanted="user id 0",
        fix="Start Slipway as root: `sudo ./slipway serve`.",
    )


def namespaces() -> Finding:
    """The trial itself: new namespaces, and a /proc of their own in them."""
    trial = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"]
    said = _refusal_of([*trial, "--mount-proc", "true"])
    fix = _RESTART
    if not is_contained():
        fix = "Look at `sysctl user.max_user_namespaces` (0 forbids them) and at the machine's LSM."
    return judged(
        "namespaces",
        good=not said,
        found=said or "new user, mount, network and pid namespaces",
        wanted="leave to make user namespaces and to mount /proc in them",
        fix=fix,
    )


def capabilities() -> Finding:
    """What root may do here; a container's root has been left a part of it."""
    held = rights.held()
    lacking = [name for name, number in rights.CAPABILITIES.items() if not held >> number & 1]
    return judged(
        "capabilities",
        good=not lacking,
        found=f"without {', '.join(lacking)}" if lacking else "all that are needed",
        wanted=", ".join(rights.CAPABILITIES),
        fix=_RESTART if is_contained() else "Start Slipway as root.",
    )


def system_calls() -> Finding:
    """A system call filter of a container engine answers EPERM before the kernel looks."""
    refused = [
        name
        for name, call in _TRIED_CALLS.items()
        if _errno_of(call) in {errno.EPERM, errno.ENOSYS}
    ]
    return judged(
        "system-calls",
        good=not refused,
        found=f"{', '.join(refused)} refused" if refused else "none that labs need is refused",
        wanted="pivot_root, open_tree and fsopen",
        fix=_RESTART,
    )


# Each with arguments that fail for another reason where the call is allowed.
_TRIED_CALLS: dict[str, Callable[[], object]] = {
    "pivot_root": lambda: syscalls.pivot_root("/nowhere", "/nowhere"),
    "open_tree": lambda: syscalls.open_tree(syscalls.AT_FDCWD, "/nowhere", 0),
    "fsopen": lambda: syscalls.fsopen("no-such-file-system"),
}


def _errno_of(call: Callable[[], object]) -> int:
    try:
        call()
    except OSError as error:
        return error.errno or 0
    return 0


def _refusal_of(argv: list[str]) -> str:
    """What a trial says when it fails; empty when it doesn't."""
    said_fd, write_fd = os.pipe()
    with os.fdopen(said_fd, encoding="utf-8", errors="replace") as said:
        try:
            trial = spawn.start(argv, stderr=write_fd)
        except FileNotFoundError as error:
            return str(error)
        finally:
            os.close(write_fd)
        with trial:
            text = said.read().strip()
        return text or f"{argv[0]} ended with {trial.returncode}" if trial.returncode else ""
