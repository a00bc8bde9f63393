"""The wall: what the daemon does with packets that it should not have got."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import Problem
from runtime.limits import ids
from runtime.protocol import Connection
from tests.other_user import ask_as
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

NOBODY = 65534


@pytest.fixture
def connection(runtime: Server) -> Iterator[Connection]:
    with raw_socket(runtime) as sock, Connection(sock) as connection:
        yield connection


def raw_socket(runtime: Server) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(str(runtime.instance.runtime_socket))
    return sock


def ask(connection: Connection, raw: bytes) -> dict[str, Any]:
    os.write(connection.fileno(), raw)
    packet = connection.receive()
    assert packet
    return packet.body


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x00\xff", "bad-request"),
        (b"[]", "bad-request"),
        (b'{"verb": 7}', "bad-request"),
        (b'{"verb": "lab.remove", "args": []}', "bad-request"),
        (b'{"verb": "lab.remove", "args": {"lab": "../../etc"}}', "bad-request"),
        (b'{"verb": "lab.remove", "args": {"lab": "00000000", "force": true}}', "bad-request"),
        (b'{"verb": "lab.get", "args": {"lab": "00000000"}}', "lab-unknown"),
        (b'{"verb": "' + b"x" * 140_000 + b'"}', "packet-too-large"),
    ],
    ids=["bytes", "list", "number", "args", "path", "unknown argument", "unknown lab", "huge"],
)
def test_a_packet_that_is_wrong_is_refused_by_name_and_the_connection_lives(
    connection: Connection, raw: bytes, code: str
) -> None:
    assert ask(connection, raw)["problem"]["code"] == code
    assert ask(connection, b'{"verb": "status"}')["ok"]["ready"] is True


def test_descriptors_sent_with_nonsense_are_not_kept(runtime: Server) -> None:
    runtime.client.status()
    before = descriptors_of(runtime.pid)
    for raw in (b"nonsense", b'{"verb": "status"}', b'{"verb": "none"}') * 10:
        with raw_socket(runtime) as sock:
            socket.send_fds(sock, [raw], [0, 1, 2])
            sock.recv(100_000)
    wait_for(lambda: descriptors_of(runtime.pid) <= before, "descriptors to be closed")


def test_a_stranger_may_not_even_ask_for_the_status(runtime: Server) -> None:
    assert ask_as(NOBODY, runtime.client.status) == "not-allowed"


def test_the_web_may_ask_what_is_the_webs_and_nothing_of_roots(runtime: Server) -> None:
    web = ids.claim(f"{runtime.instance.id}/instance")
    assert ask_as(web, runtime.client.status)["ready"] is True
    assert ask_as(web, lambda: runtime.client.lab_exec("00000000", ["id"])) == "not-allowed"
    assert ask_as(web, lambda: runtime.client.terminal_stream("00000000.1")) == "not-allowed"
    assert ask_as(web, lambda: runtime.client.image_build("slipway/base")) == "not-allowed"


def test_the_pump_may_register_and_nothing_else(runtime: Server) -> None:
    pump = ids.claim(f"{runtime.instance.id}/instance") + 1
    assert ask_as(pump, runtime.client.status) == "not-allowed"

    def register(name: str = "pump") -> object:
        with runtime.client.pump_register(name) as feed:
            packet = feed.receive()
            return packet and packet.body

    assert ask_as(pump, register) == {"type": "hello"}
    assert ask_as(pump - 1, register) == "not-allowed"
    assert ask_as(pump, lambda: register("pump-2")) == "bad-request"  # there is one pump here


def test_previews_may_open_connections_into_labs_and_nothing_else(runtime: Server) -> None:
    web = ids.claim(f"{runtime.instance.id}/instance")
    preview = web + 2
    assert ask_as(preview, runtime.client.status) == "not-allowed"
    assert ask_as(preview, lambda: runtime.client.lab_dial("00000000", 80)) == "lab-unknown"
    for other in (web, web + 1):
        assert ask_as(other, lambda: runtime.client.lab_dial("00000000", 80)) == "not-allowed"


@pytest.mark.parametrize("image", ["../../../etc", "/etc/passwd", "slipway/../base", "none/such"])
def test_an_image_is_a_name_that_is_looked_up_and_never_a_path(runtime: Server, image: str) -> None:
    with pytest.raises(Problem) as refused:
        runtime.client.lab_create(key="wall", image=image, until=time.time() + 60)
    assert refused.value.code in {"bad-request", "image-name", "image-missing"}
    assert runtime.client.lab_list() == []


def test_limits_and_time_from_the_web_are_capped(runtime: Server) -> None:
    lab = runtime.client.lab_create(
        key="greedy",
        image="slipway/base",
        until=9e10,
        limits={"memory_bytes": 1 << 45, "pids": 4_000_000, "cpu_cores": 4000},
    )
    runtime.client.lab_remove(lab["lab"])
    most = {"memory_bytes": 2 << 30, "pids": 1024, "cpu_cores": 4.0}
    assert {name: lab["limits"][name] for name in most} == most
    assert lab["until"] < time.time() + 25 * 3600


def test_callers_that_never_speak_do_not_keep_others_out(runtime: Server) -> None:
    silent = [raw_socket(runtime) for _ in range(100)]
    assert runtime.client.status()["ready"]
    for sock in silent:
        sock.close()
