"""What an instance has left on this machine: read from the kernel, not from our own notes."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.instance import Instance


def leftovers_of(instance: Instance) -> list[str]:
    """Name every mount, link, rule, cgroup, process and run file that is still an instance's."""
    marks = (instance.id, str(instance.data_path))
    found = [*_mounts(marks), *_links(marks), *_tables(marks), *_cgroups(instance)]
    found += [f"loop device {path}" for path in loop_devices_of(instance)]
    found += [f"process {line}" for line in _processes(marks)]
    if instance.run_path.exists():
        found.append(f"folder {instance.run_path}")
    return found


def loop_devices_of(instance: Instance) -> list[str]:
    """The loop devices whose file is, or was, in an instance's data folder."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # freed while we looked
            if path.read_text().startswith(f"{instance.data_path}/"):
                found.append(path.parents[1].name)
    return found


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for doesn't."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _mounts(marks: tuple[str, ...]) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        root, place, *rest = line.split()[3:]
        named = [root] if root.startswith("/") else []  # of a namespace that is a number, no name
        if any(mark in word for mark in marks for word in (*named, place, *rest)):
            yield f"mount {place}"


def _links(marks: tuple[str, ...]) -> Iterator[str]:
    for path in Path("/sys/class/net").iterdir():
        if marks[0] in path.name:
            yield f"link {path.name}"


def _tables(marks: tuple[str, ...]) -> Iterator[str]:
    listed = subprocess.run(
        ["nft", "list", "tables"], capture_output=True, text=True, check=False
    ).stdout
    for line in listed.splitlines():
        if marks[0] in line:
            yield f"nft {line}"


def _cgroups(instance: Instance) -> Iterator[str]:
    # Not Path.glob: it raises where another test's cgroup ends while we look.
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        yield from (f"cgroup {folder}/{name}" for name in names if instance.id in name)


def _processes(marks: tuple[str, ...]) -> Iterator[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = (folder / "cgroup").read_text()
        except OSError:  # it ended while we looked
            continue
        if any(mark in words for mark in marks) or marks[0] in place:
            yield f"{folder.name} {words[:200]}"
