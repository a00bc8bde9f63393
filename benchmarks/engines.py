"""docker and podman, as they are installed, in a network and mount namespace of their own.

Of their own, so that dockerd can't set this host's forward policy; stopped and removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from benchmarks.prompt import time_to_prompt_ms

MEMORY_BYTES = 256 << 20
PIDS = 128
CPU_CORES = 1.0
IMAGE = "slipway-benchmark"
_READY_S = 60
# crun and docker's cgroupfs driver refuse a hybrid host; /run and /dev/shm take what is never
# removed (podman's locks and networks).
_SETTING = (
    "ip link set lo up; umount -l /sys/fs/cgroup/unified 2>/dev/null; "
    "for place in /run /dev/shm; do mount -t tmpfs tmpfs $place; done; exec"
)
_LIMITS = [
    f"--memory={MEMORY_BYTES}",
    f"--memory-swap={MEMORY_BYTES}",
    f"--pids-limit={PIDS}",
    f"--cpus={CPU_CORES}",
]
_SHELL = ["--user=learner", "--workdir=/home/learner", IMAGE, "bash", "-l"]


class Engine:
    """A peer that is measured; a context manager, which leaves nothing behind.

    Attributes:
        name: what it is called in the figures.
        at_once: words that make `rm --force` wait for nobody.
        missing: why it can't be measured; empty where it can.
    """

    name: str
    programs: tuple[str, ...]
    at_once: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name.split()[0]
        self._undo = ExitStack()
        self._cgroup = f"slipway-benchmark-{self.folder.name}-{os.getpid()}"
        lacking = [each for each in self.programs if not find(each)]
        self.missing = f"{', '.join(lacking)}: not installed" if lacking else ""

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self._undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def load(self, rootfs: Path) -> None:
        """Make an image of a root file system."""
        tar = subprocess.Popen(["tar", "-C", rootfs, "-c", "."], stdout=subprocess.PIPE)
        with tar:
            self.call("import", "-", IMAGE, stdin=tar.stdout.fileno() if tar.stdout else None)

    def start_ms(self) -> float:
        """One container, from the command to the first prompt byte on the pty."""
        argv = self.argv("run", "--interactive", "--tty", "--rm", *self.options(), *_SHELL)
        return time_to_prompt_ms(argv, environment())

    def begin(self) -> None:
        """One container with a shell on a pty, which stays."""
        self.call("run", "--detach", "--interactive", "--tty", *self.options(), *_SHELL)

    def end_all(self) -> None:
        """End and remove every container."""
        found = subprocess.run(
            self.argv("ps", "--all", "--quiet"), check=True, capture_output=True, env=environment()
        )
        # A shell ignores the signal that asks it, so each would be waited for ten seconds.
        self.call("rm", "--force", *self.at_once, *found.stdout.decode().split())

    @property
    def marks(self) -> tuple[str, ...]:
        """What the command line or the cgroup of each of its processes has in it."""
        return str(self.folder), self._cgroup

    def call(self, *words: str, stdin: int | None = subprocess.DEVNULL) -> None:
        """Run one of the engine's commands."""
        subprocess.run(
            self.argv(*words), check=True, stdin=stdin, stdout=subprocess.DEVNULL, env=environment()
        )

    def argv(self, *words: str) -> list[str]:
        """The command line of one of its commands."""
        raise NotImplementedError

    def options(self) -> list[str]:
        """Of `run`: limits, and what this machine needs."""
        return _LIMITS

    def keep(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Start a program in new namespaces, which ends with the engine."""
        inside = ["unshare", "--mount", "--net", "sh", "-c", f'{_SETTING} "$@"', "sh", *argv]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                inside, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
            )
        self._undo.callback(_stop, process)
        return process


class Docker(Engine):
    """`docker run -it`, on its bridge, with overlay2."""

    name = "docker"
    programs = ("dockerd", "docker", "containerd", "runc", "iptables")

    def __enter__(self) -> Self:
        super().__enter__()
        self._undo.callback(remove_cgroups, self._cgroup)
        self._socket = f"unix://{self.folder}/docker.sock"
        daemon = [
            find("dockerd"),
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            f"--host={self._socket}",
            f"--cgroup-parent=/{self._cgroup}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--storage-driver=overlay2",
            "--userland-proxy=false",
        ]
        process = self.keep(daemon)
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self._undo.close()
                raise RuntimeError(f"dockerd did not start: see {self.folder}/log")
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(self.argv("version"), check=True, capture_output=True)
            return True
        return False

    def argv(self, *words: str) -> list[str]:
        """As `Engine.argv` says."""
        return [find("docker"), f"--host={self._socket}", *words]


class Podman(Engine):
    """`podman run -it`, on its bridge by netavark."""

    name = "podman"
    at_once = ("--time=0",)
    programs = ("podman", "conmon", "crun", "netavark")

    def __enter__(self) -> Self:
        super().__enter__()
        self._undo.callback(remove_cgroups, self._cgroup)
        (self.folder / "containers.conf").write_text(
            '[network]\nnetwork_backend = "netavark"\n'
            f'network_config_dir = "{self.folder}/networks"\n'
            '[engine]\nruntime = "crun"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        )
        holder = self.keep(["sleep", "infinity"])
        self._enter = ["nsenter", f"--target={holder.pid}", "--mount", "--net", "--"]
        return self

    def argv(self, *words: str) -> list[str]:
        """As `Engine.argv` says."""
        return [
            *self._enter,
            "env",
            f"CONTAINERS_CONF={self.folder}/containers.conf",
            find("podman"),
            f"--root={self.folder}/data",
            f"--runroot={self.folder}/run",
            f"--tmpdir={self.folder}/scratch",
            *words,
        ]

    def options(self) -> list[str]:
        """As `Engine.options` says."""
        # Where root may not raise limits (no SYS_RESOURCE), podman's own default ones fail.
        return [*_LIMITS, f"--cgroup-parent=/{self._cgroup}", "--ulimit=nofile=1024:1024",
                "--ulimit=nproc=1024:1024"]  # fmt: skip


def find(program: str) -> str:
    """Where a program is: beside the distribution's others first, then wherever PATH says."""
    places = f"/usr/bin:/usr/sbin:/usr/lib/podman:/usr/libexec/podman:{os.environ['PATH']}"
    return shutil.which(program, path=places) or ""


def environment() -> dict[str, str]:
    """The same short one for all."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
    }


def remove_cgroups(name: str) -> None:
    """Remove the empty cgroups that an engine leaves, in every hierarchy."""
    top = Path("/sys/fs/cgroup")
    for found in [*top.glob(name), *top.glob(f"*/{name}")]:
        for each in sorted(found.rglob("*/"), reverse=True):
            with suppress(OSError):
                each.rmdir()
        with suppress(OSError):
            found.rmdir()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
