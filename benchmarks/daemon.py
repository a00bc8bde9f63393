"""A real `runtime serve` of its own, measured through the web's own door."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.engines import CPU_CORES, MEMORY_BYTES, PIDS
from benchmarks.prompt import wait_for_prompt
from runtime.client import Client
from runtime.image.store import Image, Store
from runtime.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP = Path(__file__).resolve().parents[1]
_READY_S = 60
_END_S = 180
_LIVES_S = 3600  # longer than any of them takes; they end with their daemon
_LIMITS: Mapping[str, float] = {
    "memory_bytes": MEMORY_BYTES,
    "pids": PIDS,
    "cpu_cores": CPU_CORES,
}


class Daemon:
    """A daemon with one image and a data folder of its own; a context manager that ends both.

    Args:
        data: a folder that doesn't exist yet; others may pass through its parents.
        image: lent to the daemon, not copied.
        max_labs: how many may live at once.
    """

    def __init__(self, data: Path, image: Image, *, max_labs: int = 40) -> None:
        self._max_labs = max_labs
        self._instance = Instance.at(data)
        self._image = image
        self._client = Client(self._instance.runtime_socket)
        self._keys = (f"benchmark-{number}" for number in itertools.count())

    @property
    def client(self) -> Client:
        """The door, for whatever else a benchmark asks."""
        return self._client

    def __enter__(self) -> Self:
        place = Store(self._instance.images_path).place(self._image.name)
        place.parent.mkdir(parents=True)
        place.symlink_to(self._image.rootfs_path.parent)
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"the daemon did not end within {_END_S} s") from None

    @property
    def instance(self) -> Instance:
        """Whose labs these are."""
        return self._instance

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return self._process.pid

    def kill(self) -> None:
        """End it as `kill -9` does; on return it is gone."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> bool:
        """Start it anew where it has been killed; whether it had been."""
        if self._process.poll() is None:
            return False
        self._start()
        return True

    def resident_bytes(self) -> int:
        """What the daemon holds of memory that no file backs."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))

    def log(self) -> str:
        """What the daemon has written down."""
        return (self._instance.data_path / "log").read_text(errors="replace")

    def lab_traces(self) -> list[str]:
        """The labs of which there is a folder."""
        return [f"lab {path.name}" for path in self._instance.labs_path.iterdir()]

    def _start(self) -> None:
        log_path = self._instance.data_path / "log"
        argv = [sys.executable, "-m", "runtime", "serve", "--data", str(self._instance.data_path)]
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, "--end-labs"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(TOP),
                    "SLIPWAY_MAX_LABS": str(self._max_labs),
                },
            )
        self._client.wait_ready(_READY_S)

    def cold_ms(self) -> float:
        """One lab that nobody has prepared."""
        self._stand_ready(0)
        return self._start_ms()

    def warm_ms(self, profile: str = "plain") -> float:
        """One lab out of the pool, in which it stands ready alone."""
        self._stand_ready(1, profile)
        took = self._start_ms(profile=profile)
        self._stand_ready(0)
        return took

    def lab(
        self, limits: Mapping[str, float] = _LIMITS, *, profile: str = "plain"
    ) -> dict[str, Any]:
        """A lab with the limits of all benchmarks, or others; it ends with the daemon."""
        return self._client.lab_create(
            key=next(self._keys),
            image=self._image.name,
            profile=profile,
            until=time.time() + _LIVES_S,
            limits=limits,
        )

    def small_lab(self, disk_bytes: int) -> dict[str, Any]:
        """The same with a disk of this size."""
        return self.lab({**_LIMITS, "disk_bytes": disk_bytes})

    def make_ms(self, disk_bytes: int) -> float:
        """One lab that stays until the end, with a disk of this size."""
        return self._start_ms({**_LIMITS, "disk_bytes": disk_bytes}, keep=True)

    @property
    def marks(self) -> tuple[str, ...]:
        """What the command line or the cgroup of each of its processes has in it."""
        return str(self._instance.data_path), self._instance.cgroup_name

    def _start_ms(
        self,
        limits: Mapping[str, float] = _LIMITS,
        *,
        keep: bool = False,
        profile: str = "plain",
    ) -> float:
        """From the call of `lab.create` to the first prompt byte on the pty."""
        started = time.perf_counter()
        lab = self.lab(limits, profile=profile)
        stream_fd = self._client.terminal_stream(lab["terminals"][0]["terminal"])
        wait_for_prompt(stream_fd)
        took_s = time.perf_counter() - started
        os.close(stream_fd)
        if not keep:
            self._client.lab_remove(lab["lab"])
        return took_s * 1000

    def _stand_ready(self, count: int, profile: str = "plain") -> None:
        """Wait until the pool holds what was wanted, and makes nothing more."""
        shape = {
            "image": self._image.name,
            "profile": profile,
            "internet": False,
            "limits": dict(_LIMITS),
            "count": count,
        }
        self._client.pool_want([shape] if count else [])
        deadline = time.monotonic() + _READY_S
        while sum(entry["ready"] for entry in self._client.status()["pool"]) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pool isn't {count}")
            time.sleep(0.02)
