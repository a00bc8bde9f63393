"""A learner's lab in a test: made through the door, looked into by exec, and gone afterwards."""

from __future__ import annotations

import os
import re
import select
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.limits import cgroup

if TYPE_CHECKING:
    from runtime.client import Client
    from runtime.instance import Instance

HOUR_S = 3600
IMAGE = "slipway/base"


@dataclass(frozen=True)
class Said:
    """What a command in a lab came to."""

    code: int
    text: str


class Lab:
    """A lab, as the web would have it."""

    def __init__(self, client: Client, key: str, **wishes: object) -> None:
        self.client = client
        asked: dict[str, Any] = {"image": IMAGE, "until": time.time() + HOUR_S, **wishes}
        self.record: dict[str, Any] = client.lab_create(key=key, **asked)
        self.id: str = self.record["lab"]

    def run(self, *argv: str, user: str = "root") -> Said:
        """Run a command to its end and take what it says on either stream.

        Not through a pipe: what it leaves running would hold the other end open.
        """
        with tempfile.TemporaryFile() as said, Path("/dev/null").open("rb") as nothing:
            fds = (nothing.fileno(), said.fileno(), said.fileno())
            code = self.client.lab_exec(self.id, argv, user=user, fds=fds)
            said.seek(0)
            return Said(code, said.read().decode(errors="replace"))

    def sh(self, script: str, user: str = "root") -> Said:
        """Run a few lines of shell."""
        return self.run("/bin/sh", "-c", script, user=user)

    def begin(self, script: str, user: str = "learner") -> None:
        """Start something that goes on after this returns."""
        said = self.sh(f"setsid sh -c {quoted(script)} </dev/null >/dev/null 2>&1 &", user)
        assert said.code == 0, said

    def check(self, script: str, timeout_s: float = 10, **facts: object) -> dict[str, Any]:
        """Run a check on it."""
        return self.client.lab_check(self.id, script, facts, timeout_s)

    def programs(self) -> list[str]:
        """The names of what runs, as the server sees it."""
        return [each["comm"] for each in self.client.lab_processes(self.id)]

    def remove(self) -> None:
        """End it."""
        self.client.lab_remove(self.id)


def learner(lab: Lab, command: str) -> Said:
    """What the learner reads of a command, as a login shell runs it."""
    return lab.run("/bin/bash", "-lc", command, user="learner")


def done(lab: Lab, command: str) -> str:
    """The same of one that must succeed; without its last line's end."""
    said = learner(lab, command)
    assert said.code == 0, said.text
    return said.text.rstrip("\n")


def quoted(script: str) -> str:
    """A script as one word of a shell."""
    return "'" + script.replace("'", "'\\''") + "'"


def read_until(fd: int, wanted: bytes, deadline_s: float = 20.0) -> bytes:
    """Read a terminal until something is on it."""
    end = time.monotonic() + deadline_s
    got = b""
    while wanted not in got:
        readable, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        assert readable, got
        got += os.read(fd, 4096)
    return got


def place_of(instance: Instance) -> cgroup.Place:
    """Where this server's labs have their cgroups: under systemd, in the keeper's unit."""
    keeper = Path("/sys/fs/cgroup/system.slice") / f"{instance.cgroup_name}.service/keeper"
    pids = (keeper / "cgroup.procs").read_text().split() if keeper.is_dir() else []
    return cgroup.find(instance.cgroup_name, int(pids[0]) if pids else None)


def open_files(pid: int) -> int:
    """How many descriptors a process has, but for those that follow the kernel's own workers."""
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += not re.fullmatch(r"/proc/\d+/(schedstat|comm)", str(each.readlink()))
    return found
