"""Every process below the web may be killed at any moment: labs live, and others take over."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import pump_names, pump_of
from tests.integration.lab_harness import open_files
from tests.integration.pump_process import PumpProcess
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Feed
    from tests.conftest import Server

HOUR_S = 3600


@pytest.fixture
def lab(runtime: Server) -> Iterator[dict[str, Any]]:
    lab = runtime.client.lab_create(
        key=f"k{time.time_ns()}", image="slipway/base", until=time.time() + HOUR_S
    )
    yield lab
    runtime.client.lab_remove(lab["lab"])


def keeper_of(runtime: Server) -> int:
    """The process whose command line names this instance's keeper socket; 0 while there is none."""
    wanted = str(runtime.instance.keeper_socket).encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"runtime.keeper" in words and wanted in words:
            return int(path.parent.name)
    return 0


def type_into(runtime: Server, terminal: str, text: str, wanted: bytes) -> None:
    """Type a line and wait until its answer is on the stream; nobody else reads there."""
    fd = runtime.client.terminal_stream(terminal)
    os.write(fd, text.encode())
    seen = b""

    def has_answered() -> bool:
        nonlocal seen
        if select.select([fd], [], [], 0)[0]:
            seen += os.read(fd, 65536)
        return wanted in seen

    wait_for(has_answered, f"{wanted!r} on the terminal")
    os.close(fd)


def kill_and_start(runtime: Server) -> None:
    runtime.stop(signal.SIGKILL)
    runtime.start()


def next_event(feed: Feed, kind: str, **facts: object) -> dict[str, Any]:
    """The next event of a kind, with all that comes before it passed over."""
    while packet := feed.receive():
        with packet.descriptors:
            if packet.body["type"] == kind and facts.items() <= packet.body.items():
                return packet.body
    raise AssertionError(f"the feed ended before {kind}")


def test_a_shell_goes_on_when_the_runtime_is_killed(runtime: Server, lab: dict[str, Any]) -> None:
    terminal = lab["terminals"][0]
    type_into(runtime, terminal["terminal"], "marker=here-still\n", b"$ ")
    kill_and_start(runtime)
    adopted = runtime.client.lab_get(lab["lab"])
    assert adopted["terminals"] == [{**terminal, "ended": False}]
    assert adopted["pid"] == lab["pid"]
    type_into(runtime, terminal["terminal"], "echo :$marker:\n", b":here-still:")


def test_the_same_key_gives_the_same_lab_after_the_runtime_was_killed(
    runtime: Server, lab: dict[str, Any]
) -> None:
    kill_and_start(runtime)
    again = runtime.client.lab_create(
        key=lab["key"], image="slipway/base", until=time.time() + HOUR_S
    )
    assert again["lab"] == lab["lab"]


@pytest.mark.kernel
def test_a_killed_keeper_is_replaced_by_one_that_holds_all_again(
    runtime: Server, lab: dict[str, Any]
) -> None:
    old = keeper_of(runtime)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: keeper_of(runtime) not in {0, old}, "a new keeper")
    runtime.client.terminal_open(lab["lab"], "2")
    kill_and_start(runtime)
    terminals = runtime.client.lab_get(lab["lab"])["terminals"]
    assert [each["terminal"] for each in terminals] == [f"{lab['lab']}.1", f"{lab['lab']}.2"]
    type_into(runtime, f"{lab['lab']}.1", "echo $((6*7))\n", b"\r42\r")


def test_a_pump_gets_stream_and_ring_of_each_terminal(runtime: Server, lab: dict[str, Any]) -> None:
    with PumpProcess(runtime.client) as pump:
        heard = pump.wait("terminal", lab=lab["lab"])
    assert heard["terminal"] == lab["terminals"][0]["terminal"]
    assert heard["is_terminal"]
    assert heard["is_sealed"]


def test_a_pump_is_told_of_a_shell_that_ended_and_of_one_that_was_closed(
    runtime: Server, lab: dict[str, Any]
) -> None:
    second = runtime.client.terminal_open(lab["lab"])["terminal"]
    with PumpProcess(runtime.client) as pump, runtime.client.follow() as news:
        fd = runtime.client.terminal_stream(second)
        os.write(fd, b"exit\n")
        os.close(fd)
        pump.wait("ended", terminal=second)
        next_event(news, "shell.ended", terminal=second)
        runtime.client.terminal_close(second)
        pump.wait("gone", terminal=second)
    assert len(runtime.client.lab_get(lab["lab"])["terminals"]) == 1


def test_a_second_pump_gets_the_terminals_only_after_the_first_is_dead(
    runtime: Server, lab: dict[str, Any]
) -> None:
    with PumpProcess(runtime.client) as first:
        first.wait("terminal", lab=lab["lab"])
        with PumpProcess(runtime.client) as second:
            assert first.has_ended()
            second.wait("terminal", lab=lab["lab"])


def test_a_pump_of_before_is_known_to_the_next_runtime(
    runtime: Server, lab: dict[str, Any]
) -> None:
    with PumpProcess(runtime.client) as first:
        kill_and_start(runtime)
        assert not first.has_ended()
        with PumpProcess(runtime.client) as second:
            assert first.has_ended()
            second.wait("terminal", lab=lab["lab"])


def test_a_lab_ends_at_its_time_though_nobody_asks(runtime: Server) -> None:
    with runtime.client.follow() as news:
        lab = runtime.client.lab_create(key="short", image="slipway/base", until=time.time() + 1)
        ended = next_event(news, "lab.ended", lab=lab["lab"])
    assert ended["reason"] == "expired"
    assert runtime.client.lab_list() == []


def test_a_lab_whose_time_is_over_does_not_outlive_the_next_start(runtime: Server) -> None:
    lab = runtime.client.lab_create(key="short", image="slipway/base", until=time.time() + 1)
    runtime.stop(signal.SIGKILL)
    wait_for(lambda: time.time() > lab["until"], "its time")
    runtime.start()
    wait_for(lambda: not runtime.client.lab_list(), "its end")


def test_a_follower_of_before_hears_that_the_runtime_is_a_new_one(runtime: Server) -> None:
    with runtime.client.follow() as news:
        lab = runtime.client.lab_create(key="x", image="slipway/base", until=time.time() + 60)
        cursor = next_event(news, "lab.ready")["seq"]
    runtime.client.lab_remove(lab["lab"])
    kill_and_start(runtime)
    with runtime.client.follow(cursor) as news:
        next_event(news, "runtime.started")


def test_labs_that_come_and_go_leave_no_descriptor_behind(runtime: Server) -> None:
    def descriptors() -> list[int]:
        return [open_files(pid) for pid in (runtime.pid, keeper_of(runtime))]

    def come_and_go() -> None:
        lab = runtime.client.lab_create(key="x", image="slipway/base", until=time.time() + 60)
        runtime.client.terminal_open(lab["lab"])
        runtime.client.lab_usage(lab["lab"])
        runtime.client.lab_remove(lab["lab"])

    come_and_go()
    before = descriptors()
    for _ in range(5):
        come_and_go()
    wait_for(lambda: descriptors() <= before, f"no more than {before} descriptors")


def test_a_new_shell_takes_the_place_of_one_that_ended(
    runtime: Server, lab: dict[str, Any]
) -> None:
    first = lab["terminals"][0]
    with runtime.client.follow() as news:
        fd = runtime.client.terminal_stream(first["terminal"])
        os.write(fd, b"exit\n")
        os.close(fd)
        next_event(news, "shell.ended", terminal=first["terminal"])
    again = runtime.client.terminal_open(lab["lab"], "1")
    assert again["terminal"] == first["terminal"]
    assert again["pid"] != first["pid"]
    assert not again["ended"]


def test_pumps_that_shared_terminals_out_otherwise_are_ended_before_others_get_any(
    runtime: Server, lab: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = pump_of(lab["terminals"][0]["terminal"], 2)
    (other,) = set(pump_names(2)) - {carrier}
    with PumpProcess(runtime.client) as alone:
        alone.wait("terminal", lab=lab["lab"])
        monkeypatch.setenv("SLIPWAY_PUMPS", "2")
        kill_and_start(runtime)
        with PumpProcess(runtime.client, other) as second:
            assert alone.has_ended()
            with PumpProcess(runtime.client, carrier) as first:
                first.wait("terminal", lab=lab["lab"])
            assert not second.has_ended()
            second.wait("hello")
            assert [each["type"] for each in second.heard] == ["hello"]
    monkeypatch.undo()
    kill_and_start(runtime)
