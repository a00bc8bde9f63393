from __future__ import annotations

import errno
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import Client, Problem
from runtime.server import Server
from runtime.verbs import Verb, Who
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.protocol import Call


def listens(path: Path) -> bool:
    """Whether anybody does; the socket's name is there a moment earlier."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        return probe.connect_ex(str(path)) == 0


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Serve `status` by a function, to the user who runs this."""
    started: list[tuple[Server, threading.Thread]] = []

    def begin(run: Callable[[Call], dict[str, Any]]) -> Client:
        path = tmp_path / "sock"
        uids = {Who.WEB: os.getuid()}
        server = Server(path, {"status": Verb(Who.WEB, (), run)}, uids)
        thread = threading.Thread(target=server.run)
        thread.start()
        started.append((server, thread))
        wait_for(lambda: listens(path), "the socket")
        return Client(path)

    yield begin
    for server, thread in started:
        server.stop()
        thread.join(10)


def fail(_call: Call) -> dict[str, Any]:
    raise RuntimeError("secret detail")


def refuse(_call: Call) -> dict[str, Any]:
    raise Problem("server-full", "It is full.", "Wait.", labs=3)


def fill(_call: Call) -> dict[str, Any]:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_called_so(serve: Callable[..., Client]) -> None:
    with pytest.raises(Problem) as full:
        serve(fill).status()
    assert full.value.code == "disk-full"


def test_a_problem_arrives_as_it_was_raised(serve: Callable[..., Client]) -> None:
    with pytest.raises(Problem) as refused:
        serve(refuse).status()
    assert (
        refused.value.as_dict() == Problem("server-full", "It is full.", "Wait.", labs=3).as_dict()
    )


def test_a_verb_that_breaks_ends_neither_server_nor_says_why(
    serve: Callable[..., Client],
) -> None:
    client = serve(fail)
    for _ in range(2):
        with pytest.raises(Problem) as broken:
            client.status()
        assert broken.value.code == "runtime-failed"
        assert "secret" not in str(broken.value)


def test_a_verb_that_is_not_there_is_named(serve: Callable[..., Client]) -> None:
    with pytest.raises(Problem, match=r"There is no verb “lab\.list”"):
        serve(refuse).lab_list()


def test_callers_do_not_wait_for_each_other(serve: Callable[..., Client]) -> None:
    meeting = threading.Barrier(8, timeout=20)

    def meet(_call: Call) -> dict[str, Any]:
        return {"arrived": meeting.wait() >= 0}

    client = serve(meet)
    answers: list[dict[str, Any]] = []
    callers = [threading.Thread(target=lambda: answers.append(client.status())) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert answers == [{"arrived": True}] * 8


def test_nothing_stays_open_after_many_calls(serve: Callable[..., Client]) -> None:
    client = serve(lambda _call: {})
    client.status()
    before = open_descriptors()
    for _ in range(50):
        client.status()
    wait_for(lambda: open_descriptors() <= before, "descriptors to be closed")


def test_without_a_server_the_caller_reads_that_it_is_away(tmp_path: Path) -> None:
    with pytest.raises(Problem) as away:
        Client(tmp_path / "none").status()
    assert away.value.code == "runtime-away"


def test_a_silent_server_is_away_after_the_timeout(serve: Callable[..., Client]) -> None:
    release = threading.Event()

    def wait(_call: Call) -> dict[str, Any]:
        release.wait(30)
        return {}

    client = serve(wait)
    client._timeout_s = 0.05
    with pytest.raises(Problem, match="didn't answer"):
        client.status()
    release.set()


def test_one_that_ends_when_nobody_calls_waits_for_its_first_caller(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    verb = Verb(Who.WEB, (), lambda _call: {"ready": True})
    server = Server(path, {"status": verb}, {Who.WEB: os.getuid()})
    thread = threading.Thread(target=server.run, args=(0.0,))
    thread.start()
    wait_for(lambda: path.exists() or not thread.is_alive(), "the socket")
    Client(path).wait_ready(10)
    thread.join(10)
    assert not thread.is_alive()
