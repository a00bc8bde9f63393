"""What systemd is told, and whom the server runs as."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest

from runtime import users
from runtime.install import unit
from runtime.problems import Problem
from runtime.rights import CAPABILITIES

TOP = Path("/opt/slipway")
DATA = Path("/var/lib/slipway")
# Each was tried: labs inherit it, or need what it hides (docs/operating.md).
BREAKS = {
    "NoNewPrivileges",
    "PrivateDevices",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelTunables",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "SystemCallFilter",
}


def service(top: Path = TOP, data: Path = DATA) -> dict[str, str]:
    parser = RawConfigParser(strict=True, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.text(top, data))
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    return dict(parser["Service"])


def test_the_unit_shuts_the_server_in_as_far_as_labs_allow() -> None:
    said = service()
    assert said["ProtectSystem"] == "strict"
    assert said["ProtectHome"] == "yes"
    assert said["KillMode"] == "process"
    assert BREAKS & set(said) == set()


def test_the_unit_grants_what_labs_need_and_neither_modules_nor_the_clock() -> None:
    granted = set(service()["CapabilityBoundingSet"].split())
    at_the_start = {"NET_BIND_SERVICE", "SYSLOG"}  # port 80; which program memory ended
    assert {f"CAP_{name}" for name in {*CAPABILITIES, *at_the_start}} <= granted
    assert granted.isdisjoint({"CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_SYS_RESOURCE", "CAP_BPF"})


@pytest.mark.parametrize("top", ["/root/slipway", "/home/ada/slipway"])
def test_a_checkout_in_somebodys_home_can_still_be_read(top: str) -> None:
    said = service(Path(top))
    assert said["ProtectHome"] == "read-only"
    assert top in said["ReadWritePaths"]


def test_strange_letters_in_a_path_reach_systemd_as_they_are() -> None:
    said = service(Path('/opt/100% $HOME "x"'))
    assert said["ExecStart"].startswith('"/opt/100%% $$HOME \\"x\\"/slipway" serve')
    assert '"/opt/100%% $HOME \\"x\\""' in said["ReadWritePaths"]


def test_users_get_ids_in_a_row_that_nobody_has() -> None:
    assert users.free_row(set()) == 996
    assert users.free_row({998}) == 994
    assert users.free_row(set(range(104, 1000))) == 100
    with pytest.raises(Problem, match="no user ids left"):
        users.free_row(set(range(103, 1000)))


def test_a_server_that_was_never_installed_has_no_users_of_its_own() -> None:
    assert users.installed("000000") is None
