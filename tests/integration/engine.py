"""A docker of the test's own: its data in one folder, its cgroups under one name.

Two ways, one after the other on the same data: `host_network` builds with the machine's package
access and touches no rule of the host's; otherwise docker has a network namespace to itself, where
it may set rules and publish ports as it likes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

# crun and docker want no half of cgroup v2 beside v1; the mount namespace is dockerd's own.
PREPARE = "mount --make-rprivate /; umount -l /sys/fs/cgroup/unified 2>/dev/null;"
HOST_NETWORK = "exec dockerd --bridge=none --iptables=false"
OWN_NETWORK = "ip link set lo up; exec dockerd --userland-proxy=false"


class Engine:
    """dockerd, started by hand, and its client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cgroup = f"slipway-docker-{os.getpid()}"
        self._host = f"unix://{folder}/sock"

    @contextlib.contextmanager
    def running(self, *, host_network: bool) -> Iterator[int]:
        """Have dockerd; gives its process, whose network namespace it works in."""
        flags = (
            f" --data-root {self.folder}/data --exec-root {self.folder}/exec"
            f" --pidfile {self.folder}/pid -H {self._host} --storage-driver overlay2"
            f" --cgroup-parent /{self._cgroup}"
        )
        script = PREPARE + (HOST_NETWORK if host_network else OWN_NETWORK) + flags
        spaces = ["--mount"] if host_network else ["--mount", "--net"]
        log_path = self.folder / "dockerd.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                ["unshare", *spaces, "sh", "-c", script], stdout=log, stderr=log
            )
        try:
            wait_for(lambda: self._answers(process, log_path), "dockerd", deadline_s=60)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            self._remove_cgroups()

    def _answers(self, process: subprocess.Popen[bytes], log_path: Path) -> bool:
        assert process.poll() is None, log_path.read_text()[-2000:]
        return self._client("info").returncode == 0

    def __call__(self, *words: str) -> str:
        """Run the client; gives what it printed."""
        done = self._client(*words)
        assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _client(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "--host", self._host, *words],
            cwd=self.folder,
            env={**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def _remove_cgroups(self) -> None:
        for top in Path("/sys/fs/cgroup").glob(f"**/{self._cgroup}"):
            for folder, _, _ in os.walk(top, topdown=False):
                Path(folder).rmdir()


def status_of(url: str, pid: int) -> int:
    """Ask for a page from inside a process's network namespace; gives the status, 0 for none."""
    ask = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=5).status)"
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", ask],
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout) if done.returncode == 0 else 0
