"""The one place that starts host programs; what fails is logged as a line that can be pasted."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = structlog.get_logger()

Process = subprocess.Popen[bytes]
DEVNULL = subprocess.DEVNULL

# Who will be waited for by whoever started them; the lock is held while one is born.
_started: WeakValueDictionary[int, Process] = WeakValueDictionary()
_being_born = threading.Lock()

_END_MS = 10_000
"""How long what was killed may be silent before it is no longer waited for."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProgramFailed(Exception):
    """A host program ended with another code than 0, or ran out of time.

    Attributes:
        argv: what was started.
        code: its exit code; negative for a signal; None where the time was over.
        stderr: the end of what it said.
    """

    def __init__(self, argv: Sequence[str], code: int | None, stderr: str) -> None:
        what = "took too long" if code is None else f"ended with {code}"
        super().__init__(f"{argv[0]} {what}: {stderr.strip()[-500:]}")
        self.argv = list(argv)
        self.code = code
        self.stderr = stderr


@dataclass(frozen=True)
class Finished:
    """What a program left behind."""

    code: int
    stdout: str
    stderr: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A short environment of our own, so that nothing of the operator's shell reaches a program.

    Args:
        extra: variables to add.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() in {"http_proxy", "https_proxy", "no_proxy", "tmpdir"}
    }
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", **kept, **(extra or {})}


def alone() -> tuple[str, ...]:
    """What to put before a command line, so that what it mounts and starts goes with it.

    That is so however it ends, and when the thread that started it ends before it. Nothing where
    this process may not make namespaces, as in `docker build`: there no program can mount anything.
    """
    prefix = (
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
    )  # fmt: skip
    return prefix if run_quietly([*prefix, "true"]) == 0 else ()


def find(program: str) -> str | None:
    """Where a program is, on our own PATH."""
    return shutil.which(program, path=PATH)


def run(
    argv: Sequence[str],
    *,
    timeout_s: float = 60,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
) -> Finished:
    """Run a program to its end and take what it says.

    Nothing that outlives the program may hold its output: for such a one use `run_quietly`.

    Args:
        argv: the program, looked up in our own PATH, and its arguments.
        timeout_s: after it the program is killed.
        stdin: text for its input.
        env: variables to add to a short, fixed environment.
        pass_fds: descriptors that stay open in it under the same numbers.
        cwd: where it runs.

    Raises:
        ProgramFailed: it ended with another code than 0 or took too long.
        FileNotFoundError: there is no such program.
    """
    process = start(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        pass_fds=pass_fds,
        cwd=cwd,
    )
    with process:
        try:
            out, err = process.communicate(stdin.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise failed(argv, None, f"no end after {timeout_s} s") from None
        except BaseException:
            _end(process)
            raise
    text = err.decode(errors="replace")
    if process.returncode != 0:
        raise failed(argv, process.returncode, text)
    return Finished(0, out.decode(errors="replace"), text)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, by rm(1); never what is mounted below it.

    A learner may have nested folders deeper than Python recurses, and a lab's hundred thousand
    files would hold the interpreter's lock.

    Raises:
        ProgramFailed: something could not be removed.
    """
    run(["rm", "-rf", "--one-file-system", "--", str(folder)], timeout_s=300)


def run_quietly(
    argv: Sequence[str],
    *,
    timeout_s: float = 60,
    cwd: Path | None = None,
    executable: str | None = None,
) -> int:
    """Run a program whose children may live on; it gets /dev/null for input and output.

    A pipe would stay open in such a child, and reading it would never end.

    Args:
        argv: the program and its arguments.
        timeout_s: after it the program is killed.
        cwd: where it runs.
        executable: started in place of `argv`'s first, which stays its name.

    Returns:
        The exit code; saying what a failure means is the caller's part.

    Raises:
        ProgramFailed: it took too long.
    """
    with start(argv, cwd=cwd, executable=executable) as process:
        return wait(process, timeout_s)


def wait(process: Process, timeout_s: float) -> int:
    """Wait for a child's end and take its exit code.

    Raises:
        ProgramFailed: it took too long, and was killed.
    """
    if wait_ready([], process, timeout_s) is None:
        process.kill()
        raise failed(command(process), None, f"no end after {timeout_s} s")
    return process.wait()


def wait_ready(fds: Sequence[int], process: Process, timeout_s: float) -> set[int] | None:
    """Wait until a descriptor can be read or a process has ended, without looking again and again.

    `Popen.wait` with a time limit polls at growing pauses: it made each start 32 ms long.

    Args:
        fds: descriptors to wait for; none waits for the process alone.
        process: a child of ours.
        timeout_s: how long.

    Returns:
        The descriptors that can be read, none of them when only the process has ended; None when
        the time was over.
    """
    pidfd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()  # select(2) takes no descriptor above 1023
        for fd in (*fds, pidfd):
            poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(timeout_s * 1000)}
    finally:
        os.close(pidfd)
    return ready & set(fds) if ready else None


def start(
    argv: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
    new_session: bool = False,
    oom_score_adj: int | None = None,
    executable: str | None = None,
) -> Process:
    """Start a program and don't wait for it; the caller owns the process.

    Args:
        argv: the program, looked up in our own PATH, and its arguments.
        stdin: a descriptor; so are `stdout` and `stderr`.
        stdout: see `stdin`.
        stderr: see `stdin`.
        env: variables to add to a short, fixed environment.
        pass_fds: descriptors that stay open in it under the same numbers.
        cwd: where it runs.
        new_session: away from our terminal and its signals.
        oom_score_adj: how readily the kernel ends it, and what it starts, when memory is short.
        executable: started in place of `argv`'s first, which stays its name.

    Raises:
        FileNotFoundError: there is no such program.
    """
    with _being_born:
        process = subprocess.Popen(
            list(argv),
            executable=executable,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment(env),
            pass_fds=tuple(pass_fds),
            cwd=cwd,
            start_new_session=new_session,
        )
        _started[process.pid] = process
    if oom_score_adj is not None:
        with suppress(OSError):  # it has ended already
            Path(f"/proc/{process.pid}/oom_score_adj").write_text(str(oom_score_adj))
    return process


def is_awaited(pid: int) -> bool:
    """Whether a child is one that was started here, and whose owner has not yet waited for it."""
    with _being_born:
        process = _started.get(pid)
    return process is not None and process.returncode is None


def command(process: Process) -> list[str]:
    """What a process was started as."""
    args = process.args
    return [str(each) for each in args] if isinstance(args, list) else [str(args)]


def failed(argv: Sequence[str], code: int | None, stderr: str) -> ProgramFailed:
    """Log a failure with its command line, and give the error to raise."""
    log.warning("program.failed", command=shlex.join(argv), code=code, stderr=stderr.strip()[-500:])
    return ProgramFailed(argv, code, stderr)


def run_aloud(
    argv: Sequence[str],
    hear: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> None:
    """Run a program and hear each line it says, on either stream, as it is said.

    Args:
        argv: the program and its arguments.
        hear: called with each line; what it raises ends the program and is raised again.
        env: variables to add to a short, fixed environment.
        pass_fds: descriptors that stay open in it under the same numbers.

    Raises:
        ProgramFailed: it ended with another code than 0.
        FileNotFoundError: there is no such program.
    """
    said: deque[str] = deque(maxlen=20)
    process = start(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, pass_fds=pass_fds
    )
    with process:
        try:
            for line in process.stdout or ():
                said.append(line.decode(errors="replace").rstrip())
                hear(said[-1])
        except BaseException:
            _end(process)
            raise
    if process.returncode != 0:
        raise failed(argv, process.returncode, "\n".join(said))


def _end(process: Process) -> None:
    """Kill a program that was interrupted; then nothing that it started (see `alone`) writes on."""
    process.kill()
    output = process.stdout
    if output is None:
        return
    poll = select.poll()
    poll.register(output, select.POLLIN)
    while poll.poll(_END_MS) and os.read(output.fileno(), 65536):
        pass  # the end of its output is the end of all that could write
