"""A container that crun refuses is runc's: the same lab, the same walls, the same end."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import Lab, read_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

REFUSES = """#!/bin/sh
case "$*" in *" run "*) echo "crun refuses for this test" >&2; exit 1 ;; esac
exit 0
"""


@pytest.fixture
def lab(runtime: Server, tmp_path: Path) -> Iterator[Lab]:
    """Made by a daemon in whose mounts another program stands in crun's place."""
    refuses = tmp_path / "crun"
    refuses.write_text(REFUSES)
    refuses.chmod(0o755)
    _in_its_mounts(runtime, "mount", "--bind", str(refuses), "/usr/bin/crun")
    made = Lab(runtime.client, "refused")
    yield made
    made.remove()


def _in_its_mounts(runtime: Server, *argv: str) -> None:
    subprocess.run(["nsenter", f"--target={runtime.pid}", "--mount", *argv], check=True)


def test_a_container_that_crun_refuses_is_run_by_runc(runtime: Server, lab: Lab) -> None:
    assert "event=container.refused_by_crun" in runtime.log()
    assert (runtime.instance.labs_path / lab.id / "program").read_text() == "runc"
    assert lab.run("whoami", user="learner").text == "learner\n"
    assert lab.sh("cat /proc/self/uid_map").text.split() == [
        "0",
        str(lab.record["uid_base"]),
        "65536",
    ]
    assert lab.sh("dmesg; unshare --user true").code != 0
    usage = lab.client.lab_usage(lab.id)
    assert usage["memory_limit_bytes"] == 256 * 1024**2
    stream = lab.client.terminal_stream(f"{lab.id}.1")
    os.write(stream, b"n=$((40 + 2)); sudo id -un; echo n=$n\n")
    said = read_until(stream, b"n=42")
    assert b"root\r\n" in said
    os.close(stream)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    opened = lab.client.terminal_open(lab.id)
    stream = lab.client.terminal_stream(opened["terminal"])
    read_until(stream, b"$ ")
    os.close(stream)
    lab.remove()
    assert lab.client.lab_list() == []
    assert not (runtime.instance.labs_path / lab.id).exists()
