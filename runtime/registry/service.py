"""The daemon's side of the registry: its process, begun with the first lab that can use it.

The process sees labs' connections and no network: the socket that it listens on is made here, in
the router's namespace. It ends with the daemon, however that ends, since it holds the other end of
a pipe; a new daemon begins a new one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import spawn
from runtime.network.rules import REGISTRY_PORT, SEARCH_PORT
from runtime.problems import Problem
from runtime.registry.shelf import PROGRAM

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from runtime.instance import Instance
    from runtime.network.router import Router

log = structlog.get_logger()

_CHECKOUT = Path(__file__).parents[2]
_END_S = 10.0
_PAUSES_S = (0.2, 1.0, 5.0, 30.0)
# Whoever lived so long has begun well.
_WELL_S = 60.0


class Registry:
    """The process of the workshop's registry; safe from any thread.

    Args:
        instance: whose.
        router: through which labs reach it.
        quota_bytes: what each lab may push.
        mirror_bytes: what the mirror may keep.

    Attributes:
        confine: called with its process id, to put it where it can't take much of the server.
    """

    confine: Callable[[int], None]

    def __init__(
        self, instance: Instance, router: Router, quota_bytes: int, mirror_bytes: int
    ) -> None:
        self._instance = instance
        self._router = router
        self._amounts = (f"--quota={quota_bytes}", f"--mirror={mirror_bytes}")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._end_fd = -1

    def begin(self) -> bool:
        """Have it run from now on; False where the program for it isn't installed."""
        if self._thread is None and spawn.find(PROGRAM) is None:
            return False
        with self._lock:
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._stay, name="registry", daemon=True)
                self._thread.start()
        return True

    def close(self) -> None:
        """End it; what it keeps stays."""
        self._over.set()
        with self._lock:
            if self._end_fd >= 0:
                os.close(self._end_fd)
                self._end_fd = -1
            thread = self._thread
        if thread is not None:
            thread.join(_END_S)

    def _stay(self) -> None:
        """Start it, and again when it ends; at growing pauses where it ends at once."""
        failures = 0
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self._run()
            except (OSError, Problem) as error:  # such as an old one that still listens
                log.warning("registry.not_started", error=str(error))
            failures = 0 if time.monotonic() - began > _WELL_S else failures + 1
            self._over.wait(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    def _run(self) -> None:
        """One life of it.

        Raises:
            OSError: it could not be started, or not be confined: then it ends with its pipe.
        """
        with ExitStack() as held:
            ports = (REGISTRY_PORT, SEARCH_PORT)
            listeners = [held.enter_context(self._router.listen(port)) for port in ports]
            process = self._start(listeners)
        self.confine(process.pid)
        log.info("registry.started", pid=process.pid)
        process.wait()
        if not self._over.is_set():
            log.warning("registry.ended", code=process.returncode)

    def _start(self, listeners: list[socket.socket]) -> spawn.Process:
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
        fds = [listener.fileno() for listener in listeners]
        try:
            for listener in listeners:
                listener.setblocking(True)  # noqa: FBT003 - the standard library's own signature
            argv = [sys.executable, "-m", "runtime", "registry", *self._amounts]
            argv += [f"--data={self._instance.data_path}", *(f"--listen={fd}" for fd in fds)]
            process = spawn.start(
                argv,
                stdin=read_fd,
                stderr=sys.stderr.fileno(),
                env={"PYTHONPATH": str(_CHECKOUT)},
                pass_fds=fds,
                new_session=True,
            )
        except BaseException:
            os.close(write_fd)
            raise
        finally:
            os.close(read_fd)
        with self._lock:
            previous, self._end_fd = self._end_fd, write_fd
            if self._over.is_set():
                os.close(write_fd)
                self._end_fd = -1
        if previous >= 0:
            with suppress(OSError):
                os.close(previous)
        return process
