"""A lab's disk: as large as was asked for, for root too, and gone with the lab."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from runtime.limits.disk import IMAGE
from tests.integration.lab_harness import Lab
from tests.leftovers import loop_devices_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Feed
    from tests.conftest import Server

LIMITS = {"disk_bytes": 64 << 20, "inodes": 2048}
FILL = "head -c 200M /dev/zero >/home/learner/big"


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "disk", limits=LIMITS)
    yield made
    made.remove()


@pytest.mark.kernel
def test_root_inside_meets_the_end_of_the_disk_and_goes_on_when_it_tidies_up(lab: Lab) -> None:
    said = lab.sh(f"{FILL}; stat -c %s /home/learner/big; rm /home/learner/big; echo x >/root/y")
    assert "No space left on device" in said.text
    written = int(said.text.split()[-1])
    assert LIMITS["disk_bytes"] * 0.95 < written < LIMITS["disk_bytes"] * 1.05
    assert lab.sh("cat /root/y").text == "x\n"


@pytest.mark.kernel
def test_a_lab_makes_no_more_files_than_it_may(lab: Lab) -> None:
    make = "mkdir /root/many; cd /root/many; seq 3000 | xargs touch; ls | wc -l"
    said = lab.sh(make)
    assert "No space left on device" in said.text
    assert LIMITS["inodes"] * 0.9 < int(said.text.split()[-1]) <= LIMITS["inodes"]


@pytest.mark.kernel
def test_a_deleted_file_that_is_open_and_a_sparse_one_count_for_what_they_take(lab: Lab) -> None:
    hold = "exec 3>/root/held; rm /root/held; head -c 200M /dev/zero >&3; truncate -s 9G /root/s"
    said = lab.sh(f"{hold}; stat -c %s /root/s; head -c 4M /dev/zero >/root/more")
    assert said.text.count("No space left on device") == 2
    assert str(9 << 30) in said.text


@pytest.mark.kernel
def test_df_and_usage_tell_the_lab_s_own_disk(lab: Lab) -> None:
    size_kib = int(lab.sh("df --output=avail / | tail -1").text)
    assert 0.95 < size_kib * 1024 / LIMITS["disk_bytes"] < 1.05
    lab.sh("touch /root/first")
    before: dict[str, Any] = lab.client.lab_usage(lab.id)
    lab.sh("head -c 8M /dev/zero >/root/eight; sync /root/eight; touch /root/a /root/b")
    after = lab.client.lab_usage(lab.id)
    assert after["disk_limit_bytes"] == LIMITS["disk_bytes"]
    assert after["inodes_limit"] == LIMITS["inodes"]
    assert 8 << 20 <= after["disk_bytes"] - before["disk_bytes"] < 9 << 20
    assert after["inodes"] - before["inodes"] == 3


@pytest.mark.kernel
def test_every_block_is_the_lab_s_before_it_begins_so_an_fsync_is_kept(
    runtime: Server, lab: Lab
) -> None:
    image = runtime.instance.labs_path / lab.id / IMAGE
    stat = image.stat()
    assert stat.st_blocks * 512 >= stat.st_size


@pytest.mark.kernel
def test_a_full_disk_is_told_with_the_program_and_the_limit(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as events:
        lab.sh(FILL)
        wait_for(lambda: lab.client.lab_usage(lab.id)["disk_full"] == 1, "a full disk seen")
        said = next_limit(events)
    assert said["limit"] == "disk"
    assert said["sentence"].startswith("Disk full: your container used its 64 MB")


@pytest.mark.kernel
def test_the_disk_of_a_lab_goes_with_it_and_no_loop_device_stays(runtime: Server) -> None:
    made = Lab(runtime.client, "passing", limits=LIMITS)
    folder = runtime.instance.labs_path / made.id
    assert loop_devices_of(runtime.instance)
    made.remove()
    assert not folder.exists()
    wait_for(lambda: not loop_devices_of(runtime.instance), "no loop device")


def test_a_living_lab_keeps_its_disk_when_the_runtime_is_killed(runtime: Server, lab: Lab) -> None:
    lab.sh("echo kept >/root/file")
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert lab.sh("cat /root/file").text == "kept\n"
    assert "No space left on device" in lab.sh(FILL).text


def next_limit(events: Feed) -> dict[str, Any]:
    """The next event about a limit."""
    while True:
        packet = events.receive()
        assert packet is not None
        if packet.body["type"] == "lab.limit":
            return dict(packet.body)
