from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runtime.watchdog import PATIENCE_LOOKS, START_LOOKS, Probe, Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "sock"))
        listener.listen(1)
        yield listener


def looks_until_hung(watchdog: Watchdog, most: int = 2 * START_LOOKS) -> int | None:
    return next((look for look in range(most) if watchdog.is_hung()), None)


def test_who_answered_once_and_then_no_more_is_hung_after_some_looks(
    listener: socket.socket,
) -> None:
    watchdog = Watchdog(Probe(listener.getsockname(), b"well?"))
    assert not watchdog.is_hung()
    sock, _ = listener.accept()
    sock.send(b"yes")
    assert looks_until_hung(watchdog) == PATIENCE_LOOKS
    sock.close()
    watchdog.close()


def test_who_never_answered_may_still_be_starting_on_a_slow_machine(
    listener: socket.socket,
) -> None:
    watchdog = Watchdog(Probe(listener.getsockname(), b"well?"))
    assert looks_until_hung(watchdog) == START_LOOKS > PATIENCE_LOOKS
    watchdog.close()


@pytest.mark.parametrize("answer", [b"yes", None], ids=["an answer", "a refusal"])
def test_who_answers_is_asked_again_and_not_hung(
    listener: socket.socket, answer: bytes | None
) -> None:
    watchdog = Watchdog(Probe(listener.getsockname(), b"well?"))
    for _ in range(3 * PATIENCE_LOOKS):
        assert not watchdog.is_hung()
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(10) == b"well?"
            if answer:
                sock.send(answer)
    watchdog.close()


def test_who_does_not_listen_yet_is_not_hung(tmp_path: Path) -> None:
    assert looks_until_hung(Watchdog(Probe(str(tmp_path / "none"), b"well?"))) is None
