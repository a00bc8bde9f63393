"""What a lab is made of is read from the kernel, and agrees with what the lab sees of itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lab_harness import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "walls")
    yield made
    made.remove()


def by_name(rows: list[dict[str, Any]], key: str = "name") -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_each_namespace_has_the_number_that_the_lab_itself_reads(runtime: Server, lab: Lab) -> None:
    seen = by_name(lab.client.lab_walls(lab.id)["namespaces"], "kind")
    for kind, row in seen.items():
        inside = lab.run("readlink", f"/proc/self/ns/{kind}").text.strip()
        assert inside == f"{kind}:[{row['id']}]"
        assert row["server_id"] == Path(f"/proc/{runtime.pid}/ns/{kind}").stat().st_ino
    assert {kind for kind, row in seen.items() if not row["is_own"]} == {"time"}


def test_limits_show_what_is_used_and_how_often_they_were_met(lab: Lab) -> None:
    before = by_name(lab.client.lab_walls(lab.id)["limits"])
    assert before["memory"]["limit"] == 256 * 1024**2
    assert 0 < before["memory"]["used"] < before["memory"]["limit"]
    assert before["pids"]["limit"] == 128
    assert before["memory"]["hits"] == 0
    assert before["terminals"] == {
        "name": "terminals", "used": 1, "limit": 8, "unit": "terminals", "hits": None
    }  # fmt: skip
    assert before["shm"]["limit"] == 1024 * int(lab.sh("df --output=size /dev/shm | tail -1").text)
    assert before["open-files"]["limit"] == int(lab.sh("bash -c 'ulimit -Hn'").text)
    lab.sh("tail /dev/zero")
    assert by_name(lab.client.lab_walls(lab.id)["limits"])["memory"]["hits"] >= 1


def test_rights_are_those_that_the_kernel_holds_the_lab_to(lab: Lab) -> None:
    rights = lab.client.lab_walls(lab.id)["rights"]
    status = dict(
        line.split(":\t")
        for line in lab.sh("grep -E '^(CapBnd|Seccomp):' /proc/self/status").text.splitlines()
    )
    assert rights["capabilities_held"] == int(status["CapBnd"], 16).bit_count()
    assert rights["capabilities_held"] == len(rights["capabilities"]) < rights["capabilities_all"]
    assert rights["is_filtered"]
    assert status["Seccomp"] == "2"
    assert 20 < rights["calls_refused"] < 100  # each once, whatever arguments are refused
    assert "/proc/keys" in rights["hidden"]
    assert "/proc/sys" in rights["read_only"]
    assert lab.sh("cat /proc/self/uid_map").text.split()[1] == str(rights["uid_base"])


def test_what_the_network_refused_is_counted(lab: Lab) -> None:
    before = lab.client.lab_walls(lab.id)["network"]
    assert before["address"] == lab.record["address"]
    assert before["internet"] is False
    lab.sh("curl --max-time 5 http://203.0.113.9/")
    deadline = time.monotonic() + 20
    while (now := lab.client.lab_walls(lab.id)["network"])["refused"] == before["refused"]:
        assert time.monotonic() < deadline
    assert now["refused"]["internet"] > before["refused"]["internet"]
