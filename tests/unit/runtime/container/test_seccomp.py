"""The filter that a lab's system calls pass, as it is rendered."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from runtime.container import profile, seccomp
from runtime.problems import Problem

DEFAULT = {
    "syscalls": [
        {"names": ["read", "io_uring_setup"], "action": "SCMP_ACT_ALLOW"},
        {
            "names": ["unshare", "clone"],
            "action": "SCMP_ACT_ALLOW",
            "includes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {
            "names": ["clone"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_MASKED_EQ"}],
            "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390"]},
        },
        {
            "names": ["clone3"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": errno.ENOSYS,
            "excludes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {"names": ["s390_pci"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390"]}},
        {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
    ]
}


@pytest.fixture
def filter_() -> dict[str, Any]:
    return seccomp._render(DEFAULT, profile.load("plain"), "x86_64")


def decided(filter_: dict[str, Any], call: str) -> list[tuple[str, int | None]]:
    """What the filter says of a call, rule by rule; nothing means that it doesn't exist."""
    return [
        (rule["action"], rule.get("errnoRet"))
        for rule in filter_["syscalls"]
        if call in rule["names"]
    ]


@pytest.mark.parametrize(
    ("call", "rules"),
    [
        ("read", [("SCMP_ACT_ALLOW", None)]),
        ("chroot", [("SCMP_ACT_ALLOW", None)]),
        ("clone", [("SCMP_ACT_ALLOW", None)]),
        ("clone3", [("SCMP_ACT_ERRNO", errno.ENOSYS)]),
        ("unshare", [("SCMP_ACT_ERRNO", errno.EPERM)]),
        ("io_uring_setup", [("SCMP_ACT_ERRNO", errno.EPERM)]),
        ("s390_pci", [("SCMP_ACT_ERRNO", errno.EPERM)]),
        ("a_call_of_next_year", []),
    ],
)
def test_each_call_is_decided_by_the_capabilities_kept(
    filter_: dict[str, Any], call: str, rules: list[tuple[str, int | None]]
) -> None:
    assert decided(filter_, call) == rules


def test_what_nobody_knows_does_not_exist(filter_: dict[str, Any]) -> None:
    assert filter_["defaultErrnoRet"] == errno.ENOSYS


def test_only_the_native_architecture_is_let_in(filter_: dict[str, Any]) -> None:
    assert filter_["architectures"] == ["SCMP_ARCH_X86_64"]


def test_the_arguments_of_a_rule_are_kept(filter_: dict[str, Any]) -> None:
    clone = next(rule for rule in filter_["syscalls"] if rule["names"] == ["clone"])
    assert clone["args"][0]["op"] == "SCMP_CMP_MASKED_EQ"


def test_a_machine_without_a_filter_is_named() -> None:
    with pytest.raises(Problem, match="riscv64"):
        seccomp._render(DEFAULT, profile.load("plain"), "riscv64")


def test_the_real_default_refuses_what_makes_namespaces() -> None:
    real = seccomp.render(profile.load("plain"))
    for call in ("unshare", "mount", "setns", "bpf", "io_uring_setup"):
        assert decided(real, call) == [("SCMP_ACT_ERRNO", errno.EPERM)], call
    assert decided(real, "openat") == [("SCMP_ACT_ALLOW", None)]


def engine() -> dict[str, Any]:
    return seccomp.render(profile.load("engine"))


@pytest.mark.parametrize("call", ["clone", "unshare", "setns", "mount", "umount2", "pivot_root"])
def test_engine_makes_namespaces_with_any_arguments(call: str) -> None:
    assert [rule for rule in engine()["syscalls"] if call in rule["names"]] == [
        {"names": sorted(profile.load("engine").seccomp.allowed), "action": "SCMP_ACT_ALLOW"}
    ]


@pytest.mark.parametrize("call", ["keyctl", "clone3", "fsopen", "open_tree", "mount_setattr"])
def test_engine_answers_as_if_these_calls_were_not_there(call: str) -> None:
    assert decided(engine(), call) == []


@pytest.mark.parametrize("call", ["bpf", "io_uring_setup", "perf_event_open", "init_module"])
def test_engine_refuses_what_plain_refuses(call: str) -> None:
    assert decided(engine(), call) == decided(seccomp.render(profile.load("plain")), call)


def is_let_in(filter_: dict[str, Any], call: str, *given: int) -> bool:
    """What the kernel would decide: a rule counts where all of its arguments fit, as 64 bits."""
    return any(
        rule["action"] == "SCMP_ACT_ALLOW"
        and all(given[a["index"]] & a["value"] == a["valueTwo"] for a in rule["args"])
        for rule in filter_["syscalls"]
        if call in rule["names"]
    )


@pytest.mark.parametrize("high", [0, 1 << 32])
def test_no_option_of_the_old_packet_filters_passes_by_a_bit_that_the_kernel_drops(
    high: int,
) -> None:
    filter_ = engine()
    refused = {64, 65, 96, 97, 128, 129}
    for option in [*range(300), 0x7FFFFFFF, 0xFFFFFFFF]:
        assert is_let_in(filter_, "setsockopt", 3, 0, option | high) == (option not in refused)


@pytest.mark.parametrize("name", ["plain", "engine"])
@pytest.mark.parametrize("high", [0, 1 << 32], ids=["", "with a bit that the kernel drops"])
def test_no_socket_gets_a_filter_and_ip_keeps_its_options_of_these_numbers(
    name: str, high: int
) -> None:
    filter_ = seccomp.render(profile.load(name))
    for option in (26, 50, 51, 52):
        given = (3, 1 | high, option | high)
        assert not is_let_in(filter_, "setsockopt", *given)
        assert errors(filter_, *given, call="setsockopt") == [errno.ENOPROTOOPT]
        for level in (0, 41):  # IPV6_V6ONLY is one
            assert is_let_in(filter_, "setsockopt", 3, level | high, option | high)
    for option in (1, 2, 15, 25, 27, 49, 53):
        assert is_let_in(filter_, "setsockopt", 3, 1 | high, option | high)


@pytest.mark.parametrize("high", [0, 1 << 32])
def test_no_process_gets_a_filter_but_an_engines(high: int) -> None:
    plain = seccomp.render(profile.load("plain"))
    for option in [*range(100), 0x59616D61, 0xFFFFFFFF]:
        assert is_let_in(plain, "prctl", option | high) == (option != 22)
    assert errors(plain, 22 | high, call="prctl") == [errno.EINVAL]
    assert decided(plain, "seccomp") == []
    assert decided(engine(), "seccomp") == [("SCMP_ACT_ALLOW", None)]


def test_no_lab_takes_requests_that_the_whole_machine_has_so_many_of() -> None:
    for name in ("plain", "engine"):
        assert decided(seccomp.render(profile.load(name)), "io_setup") == []


STREAM, DATAGRAM, RAW = 1, 2, 3
CLOEXEC = 0o2000000


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "profiles"),
    [
        (1, STREAM, 0, "plain engine"),
        (2, STREAM | CLOEXEC, 6, "plain engine"),
        (2, STREAM, 262, "plain engine"),  # MPTCP
        (2, DATAGRAM, 1, "plain engine"),  # ping without root
        (2, RAW | CLOEXEC, 1, "engine"),  # ping in a container
        (2, RAW | CLOEXEC, 255, ""),
        (10, RAW, 58, ""),
        (16, RAW, 0, "plain engine"),
        (16, RAW, 4, ""),  # NETLINK_SOCK_DIAG
        (16, RAW, 12, ""),  # NETLINK_NETFILTER
        (17, RAW, 0, ""),  # AF_PACKET
        (2, STREAM, 132, ""),  # SCTP
        (2, STREAM, 253, ""),  # nobody's: the kernel would look for a module
        (2, STREAM, 17, ""),  # nobody's together, as the next three
        (2, DATAGRAM, 6, ""),
        (2, RAW, 0, ""),
        (10, 5, 0, ""),
        (16, RAW, 6, ""),  # NETLINK_XFRM
        (16, RAW, 16, ""),  # NETLINK_GENERIC
        (29, RAW, 1, ""),  # AF_CAN
        (38, 5, 0, ""),  # AF_ALG
        (40, STREAM, 0, ""),  # AF_VSOCK
    ],
)
@pytest.mark.parametrize("name", ["plain", "engine"])
@pytest.mark.parametrize("high", [0, 1 << 32], ids=["", "with a bit that the kernel drops"])
def test_each_profile_opens_the_sockets_that_it_names(
    name: str, family: int, kind: int, protocol: int, profiles: str, high: int
) -> None:
    filter_ = seccomp.render(profile.load(name))
    is_open = name in profiles.split()
    assert is_let_in(filter_, "socket", family | high, kind, protocol | high) is is_open


@pytest.mark.parametrize("family", [0, 3, 29, 38, 40, 45, 0x7FFFFFFF, 0xFFFFFFFF, 40 | 1 << 32])
def test_a_family_that_is_shut_is_one_that_is_not_supported(family: int) -> None:
    """As on a kernel without it: tcpdump looks for some, and gives up at any other error."""
    assert errors(seccomp.render(profile.load("plain")), family, RAW) == [errno.EAFNOSUPPORT]


@pytest.mark.parametrize("family", [2, 10])
def test_packets_of_ones_own_are_refused_as_to_who_is_not_root(family: int) -> None:
    """At that busybox's ping, too, asks for a socket that may only ping."""
    assert errors(seccomp.render(profile.load("plain")), family, RAW | CLOEXEC) == [errno.EPERM]


@pytest.mark.parametrize("name", ["plain", "engine"])
@pytest.mark.parametrize("high", [0, 1 << 32])
def test_no_pair_of_sockets_is_a_way_to_those_that_are_shut(name: str, high: int) -> None:
    """The kernel would open them, and look for a module, before it says that it can't."""
    filter_ = seccomp.render(profile.load(name))
    assert is_let_in(filter_, "socketpair", 1 | high, STREAM | CLOEXEC, 0)
    assert errors(filter_, 1 | high, call="socketpair") == []
    for family in (2, 10, 16, 17, 30, 40, 0xFFFFFFFF):
        assert not is_let_in(filter_, "socketpair", family | high, STREAM, 253)
        assert errors(filter_, family | high, call="socketpair") == [errno.EOPNOTSUPP]


def errors(filter_: dict[str, Any], *given: int, call: str = "socket") -> list[int]:
    return [
        rule["errnoRet"]
        for rule in filter_["syscalls"]
        if call in rule["names"]
        and rule["action"] == "SCMP_ACT_ERRNO"
        and all(given[each["index"]] & each["value"] == each["valueTwo"] for each in rule["args"])
    ]
