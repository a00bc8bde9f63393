from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime import keeper
from runtime.keeper import LIST_PAGE, Keeper
from runtime.protocol import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator


class Caller:
    def __init__(self, path: Path) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(str(path))
        self.connection = Connection(sock)

    def ask(self, fds: tuple[int, ...] = (), **body: object) -> tuple[dict[str, Any], list[int]]:
        self.connection.send(body, fds)
        packet = self.connection.receive()
        assert packet
        return packet.body, packet.descriptors.take_all()


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "sock"))
    listener.listen()
    thread = threading.Thread(target=Keeper(listener).run)
    thread.start()
    caller = Caller(tmp_path / "sock")
    yield caller
    caller.ask(op="stop")
    caller.connection.close()
    thread.join(10)
    listener.close()


def test_what_was_kept_comes_back_as_the_same_open_file(caller: Caller) -> None:
    read_fd, write_fd = os.pipe()
    caller.ask((read_fd,), op="put", name="terminal:1", note={"pid": 7})
    os.close(read_fd)
    answer, fds = caller.ask(op="get", name="terminal:1")
    assert answer == {"ok": {"found": True}}
    os.write(write_fd, b"kept")
    assert os.read(fds[0], 10) == b"kept"
    for fd in (*fds, write_fd):
        os.close(fd)


def test_the_list_names_everything_however_much_it_is(caller: Caller) -> None:
    for number in range(LIST_PAGE + 5):
        caller.ask(op="put", name=f"n{number}", note={"number": number})
    first, _ = caller.ask(op="list", start=0)
    rest, _ = caller.ask(op="list", start=LIST_PAGE)
    found = first["ok"]["sets"] + rest["ok"]["sets"]
    assert [entry["note"]["number"] for entry in found] == list(range(LIST_PAGE + 5))


def test_a_dropped_set_is_closed(caller: Caller) -> None:
    read_fd, write_fd = os.pipe()
    caller.ask((write_fd,), op="put", name="x")
    os.close(write_fd)
    caller.ask(op="drop", name="x")
    assert os.read(read_fd, 1) == b""
    os.close(read_fd)


def test_a_set_under_a_taken_name_replaces_the_old_one(caller: Caller) -> None:
    read_fd, write_fd = os.pipe()
    caller.ask((write_fd,), op="put", name="x")
    os.close(write_fd)
    caller.ask((), op="put", name="x")
    assert os.read(read_fd, 1) == b""
    os.close(read_fd)


def test_what_the_keeper_does_not_know_is_refused_by_name(caller: Caller) -> None:
    answer, _ = caller.ask(op="open")
    assert answer["problem"]["sentence"] == "The keeper knows no “open”."
    assert caller.ask(op="get", name="none")[0] == {"ok": {"found": False}}


def test_the_keeper_can_be_read_in_a_minute() -> None:
    assert len(Path(keeper.__file__).read_text().splitlines()) < 150
