"""Doctor, run for real on this machine and on machines with less."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
DOCTOR = [sys.executable, "-m", "runtime.cli", "doctor", "--json"]
REFUSAL = "from runtime.doctor import refusal; problem = refusal(); print(problem and problem.code)"
# Each stands for a machine: what takes the rights away, then the command.
WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
# With leave to read, since a checkout may lie in /root.
ORDINARY_USER = [
    "setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
]  # fmt: skip
NO_NAMESPACES = [
    "unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc",
    "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh",
]  # fmt: skip


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)


def report(*before: str) -> dict[str, Any]:
    done = run(*before, *DOCTOR)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["ready"] else 1)
    return found


def state(found: dict[str, Any], name: str) -> str:
    (finding,) = [finding for finding in found["findings"] if finding["name"] == name]
    assert finding["state"] == "good" or finding["fix"]
    return str(finding["state"])


def said(found: dict[str, Any], name: str) -> str:
    (finding,) = [finding for finding in found["findings"] if finding["name"] == name]
    return str(finding["found"])


@pytest.mark.kernel
def test_a_machine_that_runs_labs_is_ready_by_doctors_word() -> None:
    found = report()
    assert found["ready"], found
    assert found["row"] in {"A", "B"}
    assert run(sys.executable, "-c", REFUSAL).stdout == "None\n"


def test_doctor_changes_nothing_of_the_hosts_network() -> None:
    # In a host of its own: other tests change this one's links meanwhile.
    look = "look() { ip link; ip rule; nft list ruleset; }"
    script = f'{look}; look; echo ---; "$@" >/dev/null; look'
    before, after = run("unshare", "--net", "sh", "-c", script, "sh", *DOCTOR).stdout.split("---\n")
    assert "lookup main" in before
    assert after == before


@pytest.mark.kernel
def test_a_container_without_net_admin_is_refused_with_the_way_to_start_it() -> None:
    found = report(*WITHOUT_NET_ADMIN)
    assert found["row"] == "D"
    assert state(found, "capabilities") == "missing"
    assert run(*WITHOUT_NET_ADMIN, sys.executable, "-c", REFUSAL).stdout == "machine-unfit\n"


@pytest.mark.kernel
def test_a_place_where_namespaces_are_forbidden_is_refused() -> None:
    found = report(*NO_NAMESPACES)
    assert found["row"] == "E"
    assert state(found, "namespaces") == "missing"
    assert run(*NO_NAMESPACES, sys.executable, "-c", REFUSAL).stdout == "machine-unfit\n"


def test_an_ordinary_user_is_told_to_start_as_root() -> None:
    found = report(*ORDINARY_USER)
    assert found["row"] == "C"
    assert state(found, "root") == "missing"


def test_a_place_where_the_kernels_workers_are_hidden_is_named() -> None:
    found = report("unshare", "--pid", "--fork", "--mount-proc")
    assert state(found, "kernel-workers") == "worse"
    assert said(found, "kernel-workers").startswith("hidden")


def test_a_firewall_that_drops_what_is_forwarded_is_named() -> None:
    rules = "add table ip filter; add chain ip filter FORWARD"
    hook = "{ type filter hook forward priority 0; policy drop; }"
    found = report("unshare", "--net", "sh", "-c", f"nft '{rules} {hook}'; exec \"$@\"", "sh")
    assert state(found, "forwarding") == "good"
    assert "ip filter FORWARD refuses" in said(found, "forwarding")


@pytest.mark.skipif(not shutil.which("iptables-legacy"), reason="iptables isn't installed here")
def test_a_firewall_in_the_older_tables_is_named_or_what_reads_it_asked_for() -> None:
    drops = "iptables-legacy -P FORWARD DROP"
    found = report("unshare", "--net", "sh", "-c", f'{drops}; exec "$@"', "sh")
    assert "iptables-legacy FORWARD refuses" in said(found, "forwarding")
    hidden = f"{drops}; mount --bind /dev/null $(realpath /usr/sbin/iptables-legacy)"
    found = report("unshare", "--net", "--mount", "sh", "-c", f'{hidden}; exec "$@"', "sh")
    assert state(found, "forwarding") == "worse"
    assert "iptables-legacy" in said(found, "forwarding")


def test_doctor_says_in_words_what_is_wrong_and_how_to_mend_it() -> None:
    done = run(*WITHOUT_NET_ADMIN, *DOCTOR[:-1])
    assert done.returncode == 1
    assert "without NET_ADMIN" in done.stdout
    assert "Labs can't run here." in done.stdout
