"""A runtime that is killed and started again goes on with the labs that live."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.limits import files
from tests.integration.lab_harness import Lab, read_until
from tests.leftovers import lives
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "survivor")
    yield made
    made.remove()


@pytest.mark.kernel
def test_a_lab_goes_on_while_the_runtime_is_killed_and_back(runtime: Server, lab: Lab) -> None:
    stream = lab.client.terminal_stream(f"{lab.id}.1")
    read_until(stream, b"$ ")
    os.write(stream, b"echo be''fore; n=7\n")
    read_until(stream, b"before")
    os.close(stream)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert lab.client.lab_get(lab.id)["pid"] == lab.record["pid"]
    stream = lab.client.terminal_stream(f"{lab.id}.1")
    os.write(stream, b"echo af''ter $n\n")
    assert b"after 7" in read_until(stream, b"after 7")
    os.close(stream)
    assert lab.run("hostname").text.strip() == lab.record["hostname"]


def test_a_lab_that_died_meanwhile_is_cleared_away(runtime: Server, lab: Lab) -> None:
    runtime.stop(signal.SIGKILL)
    os.kill(lab.record["pid"], signal.SIGKILL)
    runtime.start()
    assert runtime.client.lab_list() == []
    assert not (runtime.instance.labs_path / lab.id).exists()


def test_a_lab_whose_time_ran_out_meanwhile_is_ended(runtime: Server, lab: Lab) -> None:
    lab.client.lab_extend(lab.id, time.time() + 0.3)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    deadline = time.time() + 20
    while runtime.client.lab_list():
        assert time.time() < deadline
    assert not (runtime.instance.labs_path / lab.id).exists()


def test_a_stopped_runtime_leaves_labs_and_takes_them_up_again(runtime: Server, lab: Lab) -> None:
    runtime.stop(signal.SIGKILL)
    assert os.path.exists(f"/proc/{lab.record['pid']}")  # noqa: PTH110
    runtime.start()
    assert [each["lab"] for each in runtime.client.lab_list()] == [lab.id]


def test_a_start_removes_replaced_images_that_no_living_lab_uses(runtime: Server, lab: Lab) -> None:
    images = runtime.instance.images_path
    unused, used = (
        images / f".slipway+base.old-{round(when * 1e9)}"
        for when in (lab.record["created_at"] - 60, time.time())
    )
    for place in (unused, used):
        (place / "rootfs").mkdir(parents=True)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    wait_for(lambda: not unused.exists(), "the end of the unused image")
    assert used.exists()


@pytest.mark.kernel
def test_a_lab_that_lost_its_cgroups_is_ended_and_the_server_starts(
    runtime: Server, lab: Lab
) -> None:
    runtime.stop(signal.SIGKILL)
    top = Path("/sys/fs/cgroup")
    for group in [path for path in top.rglob(lab.id) if path.is_dir()]:
        hierarchy = (
            top if (top / "cgroup.procs").exists() else top / group.relative_to(top).parts[0]
        )
        for pid in files.pids_below(group):
            (hierarchy / "cgroup.procs").write_text(str(pid))
        files.remove_tree(group)
    runtime.start()
    assert runtime.client.lab_list() == []
    assert not lives(lab.record["pid"])


def test_after_a_reboot_no_record_is_believed(runtime: Server, lab: Lab) -> None:
    """Process numbers and times begin anew, so a record may fit a process that it isn't about."""
    record = runtime.instance.labs_path / lab.id / "lab.json"
    runtime.stop(signal.SIGKILL)
    before = json.loads(record.read_text())
    record.write_text(json.dumps({**before, "boot_id": "of another start"}))
    runtime.start()
    assert runtime.client.lab_list() == []
    assert not record.parent.exists()
