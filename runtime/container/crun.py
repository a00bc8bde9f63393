"""The OCI runtime: crun, or runc for a container that crun refuses."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
from contextlib import ExitStack, suppress
from fcntl import ioctl
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from runtime.container import bundle
from runtime.container.console import Size, carry, leave_flowing, set_size, size_of
from runtime.kernel import sealed, spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.instance import Instance

log = structlog.get_logger()

_START_S = 30.0
_TIOCGPTPEER = 0x5441  # the other end of a pty, whatever is mounted where; not in termios
_LOOK_S = 0.5


class Shell(NamedTuple):
    """A program on a terminal of its own.

    Attributes:
        stream_fd: the pty's master; the receiver's.
        pid: the server's pid of the program.
    """

    stream_fd: int
    pid: int


class Crun:
    """Runs the containers of one instance.

    Args:
        instance: whose labs these are; containers are named by their lab.
    """

    def __init__(self, instance: Instance) -> None:
        self._labs_path = instance.labs_path
        self._state_path = instance.run_path / "crun"
        self._console_path = instance.run_path / "console"
        self._filters: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the folders for states and sockets; nobody but root looks into them.

        The sockets of a runtime that was killed while it opened a terminal go: nobody calls there.
        """
        shutil.rmtree(self._console_path, ignore_errors=True)
        for path in (self._state_path, self._console_path):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)

    def run(self, lab: str) -> int:
        """Start the container described in the lab's folder.

        Returns:
            The server's pid of its process 1.

        Raises:
            Problem: `container-start`, with what the OCI runtime said as its cause.
        """
        try:
            return self._run("crun", lab)
        except Problem as refused:
            if spawn.find("runc") is None:
                raise
            log.warning("container.refused_by_crun", lab=lab, cause=str(refused.__cause__))
            self.delete(lab)
        try:
            return self._run("runc", lab)
        except Problem:
            # Of a namespace that has a mapping Debian 12's wants to hear it, Debian 13's does not.
            self.delete(lab)
            bundle.leave_out_mapping(self._labs_path / lab)
        return self._run("runc", lab)

    def keep_filter(self, lab: str, profile: str) -> None:
        """Remember what crun made of a profile's system call filter, from a lab that it started."""
        if profile not in self._filters:
            with suppress(FileNotFoundError):  # runc's, which loads it and keeps none
                made = (self._state_path / lab / "seccomp.bpf").read_bytes()
                self._filters[profile] = base64.b64encode(made).decode()

    def filter(self, profile: str) -> str:
        """A profile's filter as crun made it for an earlier lab; empty for the first."""
        return self._filters.get(profile, "")

    def join_below(self, lab: str, leaf: str) -> None:
        """Whatever is started in a container from now on joins this cgroup, which is below its own.

        runc finds by itself where process 1 is.
        """
        (self._labs_path / lab / "leaf").write_text(leaf)

    def open_shell(self, lab: str, rows: int, cols: int) -> Shell:
        """Start a login shell of the image's user on a new terminal.

        Raises:
            Problem: `container-exec`; nothing is left running then.
        """
        process = json.loads((self._labs_path / lab / "shell.json").read_text())
        return self.exec_terminal(lab, process, rows, cols)

    def exec_terminal(self, lab: str, process: dict[str, Any], rows: int, cols: int) -> Shell:
        """Start a program of a running container on a new terminal.

        Args:
            lab: whose container.
            process: as `bundle.process` gives it, with `terminal` true.
            rows: of the terminal, with `cols`; a size that comes later redraws the first prompt.
            cols: see `rows`.

        Raises:
            Problem: `container-exec`.
        """
        with ExitStack() as undo:
            files = self._files(f"{lab}-{os.urandom(4).hex()}", undo)
            size = Size(rows, cols)
            child, stream_fd = self._on_terminal(lab, process, files, size, undo, "--detach")
            if (code := spawn.wait(child, _START_S)) != 0:
                raise _not_executed(lab, child, code, files / "log")
            pid = int((files / "pid").read_text())
            return Shell(os.dup(stream_fd), pid)

    def _on_terminal(
        self,
        lab: str,
        process: dict[str, Any],
        files: Path,
        size: Size,
        undo: ExitStack,
        *options: str,
    ) -> tuple[spawn.Process, int]:
        """Let crun start a program on a terminal whose master comes to us; `undo` closes that."""
        process = {**process, "consoleSize": {"height": size.rows, "width": size.cols}}
        listener = undo.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(files / "console"))
        listener.listen(1)
        options = (*options, "--tty", f"--console-socket={files / 'console'}")
        child = undo.enter_context(self._exec(lab, process, files, options))
        undo.callback(_end, child)
        stream_fd = _receive_master(listener, child)
        if stream_fd is None:
            raise _not_executed(lab, child, child.wait(), files / "log")
        undo.callback(os.close, stream_fd)
        set_size(stream_fd, size)
        leave_flowing(stream_fd)
        self._give_terminal(lab, stream_fd, process["user"]["uid"])
        return child, stream_fd

    def _give_terminal(self, lab: str, stream_fd: int, uid: int) -> None:
        """Let its user open the terminal by name, as `tee /dev/stderr` does."""
        pid = (self._labs_path / lab / "pid").read_text()
        base = int(Path(f"/proc/{pid}/uid_map").read_text().split()[1])
        terminal_fd = ioctl(stream_fd, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            os.fchown(terminal_fd, base + uid, -1)
        finally:
            os.close(terminal_fd)

    def execute(
        self,
        lab: str,
        process: dict[str, Any],
        fds: tuple[int, int, int],
        is_gone: Callable[[], bool] = lambda: False,
    ) -> int:
        """Run a program of a running container to its end, on descriptors of the caller's.

        Args:
            lab: whose container.
            process: as `bundle.process` gives it.
            fds: its input, output and errors; they stay the caller's.
            is_gone: whether whoever asked has left; then the program is killed.

        Returns:
            Its exit code, 128 and the number for a signal.

        Raises:
            Problem: `container-exec` where it could not be started.
        """
        with ExitStack() as undo:
            files = self._files(f"{lab}-{os.urandom(4).hex()}", undo)
            if process["terminal"] and self._program(lab) == "crun":
                size = size_of(fds[0])
                child, stream_fd = self._on_terminal(lab, process, files, size, undo)
                carry(stream_fd, fds[:2], child.pid, is_gone)
            else:  # runc hands a terminal over only where it doesn't wait
                options = ["--tty"] if process["terminal"] else []
                child = undo.enter_context(self._exec(lab, process, files, options, fds))
                undo.callback(_end, child)
            while spawn.wait_ready([], child, _LOOK_S) is None:
                if is_gone():
                    _kill(files / "pid")
                    break
            code = spawn.wait(child, _START_S)
            if code != 0 and not (files / "pid").exists():
                raise _not_executed(lab, child, code, files / "log")
        return code if code >= 0 else 128 - code

    def delete(self, lab: str) -> None:
        """Forget a container, and end it if it runs; nothing happens for one that isn't known."""
        if not (self._state_path / lab).is_dir():
            return
        argv = [self._program(lab), f"--root={self._state_path}", "delete", "--force", lab]
        if spawn.run_quietly(argv, executable=_executable(argv)) != 0:
            # Its own program can't read the state; its cgroup is killed, so a folder is left.
            spawn.run(["rm", "-rf", "--", str(self._state_path / lab)])

    def known(self) -> set[str]:
        """The labs that the OCI runtime has a state of, living or not."""
        if not self._state_path.is_dir():
            return set()
        return {path.name for path in self._state_path.iterdir() if not path.name.startswith(".")}

    def _run(self, program: str, lab: str) -> int:
        folder = self._labs_path / lab
        (folder / "program").write_text(program)
        limited: list[str] = []
        if program == "runc":
            config = json.loads((folder / "config.json").read_text())
            limited = _limit_beforehand(config["process"])
            (folder / "config.json").write_text(json.dumps(config))
        argv = [
            *limited,
            program,
            f"--root={self._state_path}",
            f"--log={folder / 'log'}",
            "run",
            "--detach",
            f"--bundle={folder}",
            f"--pid-file={folder / 'pid'}",
            lab,
        ]
        code = spawn.run_quietly(argv, timeout_s=_START_S, executable=_executable(argv))
        if code != 0:
            raise _not_started(lab, argv, code, folder / "log")
        return int((folder / "pid").read_text())

    def _exec(
        self,
        lab: str,
        process: dict[str, Any],
        files: Path,
        options: Sequence[str],
        fds: tuple[int, int, int] = (spawn.DEVNULL,) * 3,
    ) -> spawn.Process:
        """Let the OCI runtime start a program; it learns which once it is as mortal as a lab.

        What it starts inherits how readily memory is taken from it, so that comes first.
        """
        program = self._program(lab)
        process = {**process}
        limited = _limit_beforehand(process) if program == "runc" else []
        reading_fd, writing_fd = os.pipe()
        argv = [
            *limited,
            program,
            f"--root={self._state_path}",
            f"--log={files / 'log'}",
            "exec",
            *options,
            *(self._leaf(lab) if program == "crun" else ()),
            f"--process=/proc/self/fd/{reading_fd}",
            f"--pid-file={files / 'pid'}",
            lab,
        ]
        stdin, stdout, stderr = fds
        # Whoever ends without having read is found by its exit code.
        with suppress(BrokenPipeError), os.fdopen(writing_fd, "w") as description:
            try:
                child = spawn.start(
                    argv,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=[reading_fd],
                    oom_score_adj=bundle.OOM_SCORE_ADJ,
                    executable=_executable(argv),
                )
            finally:
                os.close(reading_fd)
            description.write(json.dumps(process))
        return child

    def _program(self, lab: str) -> str:
        try:
            name = (self._labs_path / lab / "program").read_text()
        except FileNotFoundError:
            return "crun"
        return "runc" if name == "runc" else "crun"

    def _leaf(self, lab: str) -> list[str]:
        try:
            return [f"--cgroup={(self._labs_path / lab / 'leaf').read_text()}"]
        except FileNotFoundError:
            return []

    def _files(self, name: str, undo: ExitStack) -> Path:
        # Under /run and with short names: a socket's path has at most 107 bytes.
        folder = self._console_path / name
        folder.mkdir()
        undo.callback(_remove_files, folder)
        return folder


def _limit_beforehand(process: dict[str, Any]) -> list[str]:
    """Take the limits out of an OCI process, for the command that sets them before runc begins.

    runc sets them from outside, on a process in the lab's user namespace, and for that the kernel
    wants CAP_SYS_RESOURCE (seen with 1.1.5), which a server in a container hasn't. They are
    inherited just as well.
    """
    limits = process.pop("rlimits", [])
    names = ((each["type"].removeprefix("RLIMIT_").lower(), each) for each in limits)
    return ["prlimit", *(f"--{name}={each['soft']}:{each['hard']}" for name, each in names)]


def _not_started(lab: str, argv: list[str], status: int, log_path: Path) -> Problem:
    problem = Problem(
        "container-start",
        "The container did not start.",
        "Try again; if it goes on, `./slipway doctor` looks for the reason.",
        lab=lab,
    )
    problem.__cause__ = spawn.failed(argv, status, _said(log_path))
    return problem


def _not_executed(lab: str, child: spawn.Process, status: int, log_path: Path) -> Problem:
    problem = Problem(
        "container-exec",
        "A program could not be started in the container.",
        "Look whether it is there and can be run; if it is a shell, open the terminal again.",
        lab=lab,
    )
    problem.__cause__ = spawn.failed(spawn.command(child), status, _said(log_path))
    return problem


def _said(log_path: Path) -> str:
    return log_path.read_text(errors="replace") if log_path.exists() else ""


def _receive_master(listener: socket.socket, child: spawn.Process) -> int | None:
    # When the OCI runtime fails it ends without connecting, or connects and sends nothing.
    if not spawn.wait_ready([listener.fileno()], child, _START_S):
        return None
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(_START_S)
        _, fds, _, _ = socket.recv_fds(connection, 4096, 1)
    return fds[0] if fds else None


def _end(child: spawn.Process) -> None:
    if child.poll() is None:
        child.kill()


def _kill(pid_path: Path) -> None:
    with suppress(OSError, ValueError):
        pidfd = os.pidfd_open(int(pid_path.read_text()))
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)


def _executable(argv: list[str]) -> str | None:
    """What to start for a command of crun's: its sealed copy, where there can be one."""
    program = spawn.find("crun") if argv[0] == "crun" else None
    return sealed.copy_of(Path(program)) if program else None


def _remove_files(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink(missing_ok=True)
    folder.rmdir()
