"""The supervisor: starts, confines and restarts the others, and holds the listening socket.

One thread, so that it may fork. It handles SIGINT and SIGTERM itself (a start in the background has
SIGINT ignored), and everything that it waits for is a descriptor: a signal, a process's end, a line
of a process's output, somebody who wants one restarted.
"""

from __future__ import annotations

import dataclasses
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import structlog

from runtime import folders, listening, log, replacing
from runtime.client import Client
from runtime.instance import Instance
from runtime.launch import spawn
from runtime.problems import Problem
from runtime.protocol import Args, Connection, bad_request
from runtime.rows import Plan, Row
from runtime.watchdog import LOOK_S, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runtime.settings import Settings

logger = structlog.get_logger()

LOCK_PATIENCE_S = 4.0
SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 30.0
HEALTHY_S = 20.0
END_LABS_TIMEOUT_S = 20.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One row's process, while it lives and between two lives."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.pid = 0
        self.pidfd = -1
        self.output_fd = -1
        self.started_at = 0.0
        self.pause_s = SHORTEST_PAUSE_S
        self.due_at: float | None = 0.0
        self.has_been_healthy = False
        self.is_told_to_end = False
        self.watchdog: Watchdog | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it runs now."""
        return self.pidfd >= 0

    def start(self) -> None:
        """Fork, confine, exec."""
        self.pid, self.output_fd = spawn(self.row)
        self.pidfd = os.pidfd_open(self.pid)
        self.started_at = time.monotonic()
        self.due_at = None
        self.is_told_to_end = False
        self.watchdog = Watchdog(self.row.probe) if self.row.probe else None
        logger.info("process.started", process=self.row.name, pid=self.pid)

    def reap(self) -> int:
        """Take the exit code of a process that has ended, and plan its next start."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pidfd)
        self.pidfd = -1
        if self.watchdog:
            self.watchdog.close()
        lived_s = time.monotonic() - self.started_at
        if lived_s > HEALTHY_S:
            self.has_been_healthy = True
            self.pause_s = SHORTEST_PAUSE_S
        if not self.row.once:
            self.due_at = time.monotonic() + self.pause_s
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self.is_alive:
            signal.pidfd_send_signal(self.pidfd, number)


class Supervisor:
    """The loop over signals, ends of processes, their output, and wishes for a restart.

    Args:
        rows: what to keep alive.
        control: where wishes for a restart arrive.
        end_labs: called at the very end, while the runtime still runs; never at its restart.
        note: told which process is which, as soon as one begins.
    """

    def __init__(
        self,
        rows: list[Row],
        control: socket.socket,
        end_labs: Callable[[], None] | None,
        note: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._children = {row.name: Child(row) for row in rows}
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._failed: str | None = None
        self._end_labs = end_labs
        self._note = note
        self._look_at = 0.0
        self._watch(control, lambda: self._control(control))

    def run(self, wake_fd: int) -> int:
        """Keep every row alive until a signal comes; the exit code."""
        self._watch(wake_fd, lambda: self._wake(wake_fd))
        while not self._stopping:
            self._start_due()
            self._look_after_the_hung()
            self._turn(self._until_next_start())
        self._stop_all()
        return 1 if self._failed else 0

    def _watch(self, fileobj: int | socket.socket | Connection, act: Callable[[], None]) -> None:
        self._selector.register(fileobj, selectors.EVENT_READ, act)

    def _turn(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.due_at is not None and child.due_at <= now:
                self._start(child)

    def _start(self, child: Child) -> None:
        child.start()
        living = {each.row.name: each.pid for each in self._children.values() if each.is_alive}
        self._note({folders.SUPERVISOR: os.getpid(), **living})
        self._watch(child.pidfd, lambda: self._ended(child))
        if child.output_fd >= 0:
            output_fd = child.output_fd
            self._watch(output_fd, lambda: self._relay(output_fd))

    def _look_after_the_hung(self) -> None:
        """End a process that hasn't answered for long; it comes back as any that died."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for child in self._children.values():
            if child.is_alive and child.watchdog and child.watchdog.is_hung():
                logger.warning("process.hung", process=child.row.name, pid=child.pid)
                child.signal(signal.SIGKILL)

    def _until_next_start(self) -> float:
        due = [child.due_at for child in self._children.values() if child.due_at is not None]
        return max(0.0, min([*due, self._look_at]) - time.monotonic())

    def _ended(self, child: Child) -> None:
        self._selector.unregister(child.pidfd)
        code = child.reap()
        if child.row.once or child.is_told_to_end:
            return
        logger.warning("process.ended", process=child.row.name, code=code, again_s=child.pause_s)
        if code == 1 and not child.has_been_healthy:
            # It has said in a sentence why it can't be: to start it again would say it again.
            self._failed = child.row.name
            self._stopping = True

    def _relay(self, output_fd: int) -> None:
        """Pass output on: a confined process gets no descriptor of the operator's terminal."""
        data = os.read(output_fd, 65536)
        if data:
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
        else:
            self._selector.unregister(output_fd)
            os.close(output_fd)

    def _wake(self, wake_fd: int) -> None:
        os.read(wake_fd, 64)
        self._stopping = True

    def _control(self, control: socket.socket) -> None:
        sock, _ = control.accept()
        with Connection(sock) as connection:
            sock.settimeout(1)
            try:
                connection.send(self._obey(connection))
            except OSError:
                logger.warning("control.lost")

    def _obey(self, connection: Connection) -> dict[str, object]:
        """Restart what a caller names; refused to all but root by the socket's mode."""
        try:
            packet = connection.receive()
            if packet is None:
                raise bad_request("Nothing was asked.")
            with packet.descriptors:
                name = Args(packet.body).text("restart", longest=16)
            lasting = [each for each, child in self._children.items() if not child.row.once]
            if name not in lasting:
                there_are = ", ".join(lasting)
                raise bad_request(f"There is no process “{name}” to restart, but {there_are}.")
        except Problem as problem:
            return {"problem": problem.as_dict()}
        self._restart(self._children[name])
        return {"ok": {"pid": self._children[name].pid}}

    def _restart(self, child: Child) -> None:
        self._stop([child])
        child.due_at = None
        child.pause_s = SHORTEST_PAUSE_S
        self._start(child)

    def _stop_all(self) -> None:
        """End those who serve first, and the runtime last, for it still has labs to end."""
        children = dict(self._children)
        runtime = children.pop("runtime", None)
        self._stop(list(children.values()))
        if runtime:
            if self._end_labs and not self._failed:
                if not runtime.is_alive:
                    self._start(runtime)
                self._end_labs()
            self._stop([runtime])

    def _stop(self, children: list[Child]) -> None:
        for child in children:
            child.is_told_to_end = True
            child.signal(signal.SIGTERM)
        started = time.monotonic()
        while living := [child for child in children if child.is_alive]:
            for child in living:
                if time.monotonic() - started > child.row.stop_timeout_s:
                    logger.warning("process.killed", process=child.row.name, pid=child.pid)
                    child.signal(signal.SIGKILL)
            self._turn(0.2)


def up(settings: Settings, *, config_path: Path | None, end_labs: bool, greets: bool) -> None:
    """Be the server: returns when it was told to stop, exits with 1 when it can't be.

    Args:
        settings: of this instance.
        config_path: the settings file that was named, for the web to read too.
        end_labs: end every lab when stopping.
        greets: say where it is once it is ready, with a link for the first instructor.

    Raises:
        Problem: why it can't start.
    """
    log.start(settings.log_level)
    os.umask(0o022)
    wake_fd = _catch_signals()
    instance = Instance.at(settings.data)
    folders.make(instance)
    with ExitStack() as undo:
        lock_fd = folders.lock(instance, LOCK_PATIENCE_S)
        undo.callback(os.close, lock_fd)
        undo.callback(folders.clean_run, instance)
        replacing.mend(instance)
        listener = undo.enter_context(listening.bind(settings.host, settings.port))
        port = listener.getsockname()[1]  # 0 was asked for: any that is free
        folders.note_address(instance, settings.host, port)
        previews = _bind_previews(settings)
        undo.enter_context(previews or nullcontext())
        preview_port = previews.getsockname()[1] if previews else 0
        settings = dataclasses.replace(settings, port=port)
        plan = Plan.of(instance, settings, config_path, preview_port)
        control = undo.enter_context(_control_socket(instance))
        rows = [
            plan.runtime(lock_fd),
            *plan.pumps(),
            plan.web(listener.fileno()),
            *([plan.preview(previews.fileno())] if previews else []),
            *([plan.greeting()] if greets else []),
        ]
        ending = partial(end_all_labs, instance) if end_labs else None
        code = Supervisor(rows, control, ending, partial(folders.note_processes, instance)).run(
            wake_fd
        )
    sys.exit(code)


def _bind_previews(settings: Settings) -> socket.socket | None:
    """The socket by which previews are entered; without one, the rest of the server is as it is."""
    first = settings.preview_port
    if first == 0:
        return None
    ports = range(first, min(first + settings.preview_ports, 65536))
    bound = listening.bind_first(settings.host, ports)
    if bound is None:
        logger.warning("previews.no_port", first=first, ports=settings.preview_ports)
    return bound


def end_all_labs(instance: Instance) -> None:
    """End every lab of an instance, through its runtime."""
    client = Client(instance.runtime_socket)
    try:
        client.wait_ready(END_LABS_TIMEOUT_S)
        for lab in client.lab_list():
            client.lab_remove(lab["lab"])
    except Problem as problem:
        logger.error("labs.not_ended", problem=str(problem))  # noqa: TRY400 - it says it all


def _catch_signals() -> int:
    """Turn the signals that end us into bytes of a pipe, which the loop waits for."""
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(write_fd)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    return read_fd


def _control_socket(instance: Instance) -> socket.socket:
    path = instance.run_path / "supervisor.sock"
    path.unlink(missing_ok=True)
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.bind(str(path))
    path.chmod(0o600)
    control.listen(8)
    return control
