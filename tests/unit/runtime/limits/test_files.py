"""What cgroups show as files, read without a cgroup."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from runtime.limits import files
from runtime.limits.legacy import Legacy

if TYPE_CHECKING:
    from pathlib import Path

HYBRID = """\
24 19 0:22 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755
25 24 0:23 / /sys/fs/cgroup/memory rw,nosuid shared:5 - cgroup cgroup rw,memory
26 24 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
27 24 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""


def test_hierarchies_are_found_with_their_controllers(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(HYBRID)
    found = {mount.path.name: mount for mount in files.cgroup_mounts(table)}
    assert set(found) == {"memory", "cpu,cpuacct", "unified"}
    assert found["cpu,cpuacct"].options >= {"cpu", "cpuacct"}
    assert found["unified"].fstype == "cgroup2"


def test_v1_without_all_controllers_is_no_place_for_labs(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(HYBRID)
    assert Legacy.from_mounts(files.cgroup_mounts(table), "slipway-1") is None


def test_a_limit_that_is_not_set_has_no_number(tmp_path: Path) -> None:
    (tmp_path / "pids.max").write_text("max\n")
    (tmp_path / "pids.current").write_text("7\n")
    assert files.read_number(tmp_path / "pids.max") is None
    assert files.read_number(tmp_path / "pids.current") == 7
    assert files.read_number(tmp_path / "missing") is None


def test_a_table_of_counters_is_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert files.read_table(tmp_path / "memory.events")["oom_kill"] == 2
    assert files.read_table(tmp_path / "missing") == {}


def test_processes_are_counted_while_somebody_makes_and_removes_cgroups(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("7\n")
    pid = os.fork()
    if pid == 0:
        while True:
            (tmp_path / "a/b").mkdir(parents=True)
            (tmp_path / "a/b").rmdir()
            (tmp_path / "a").rmdir()
    try:
        assert all(files.pids_below(tmp_path) == {7} for _ in range(3000))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_waiting_for_what_never_comes_ends_with_its_name() -> None:
    with pytest.raises(TimeoutError, match="a thing"):
        files.wait_until(lambda: False, "a thing", patience_s=0.01)
