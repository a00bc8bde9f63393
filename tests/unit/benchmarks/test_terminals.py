from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from benchmarks.figures import quantile
from benchmarks.terminal import echo_ratios
from benchmarks.terminals.bare import BareLoop, read_until
from benchmarks.terminals.line import Line, Slipway, SocketIo, Terminado, Ttyd
from benchmarks.terminals.phases import Windows, coloured_text
from webapp.terminals.frames import Op, Parser, encode

if TYPE_CHECKING:
    from pathlib import Path


def windows(server: str, p50: float, p99: list[float]) -> Windows:
    return Windows(server, "quiet", [p50] * len(p99), p99)


def test_a_quantile_is_a_value_that_was_measured() -> None:
    assert quantile([5.0, 1.0, 3.0, 2.0], 0.25) == 1.0
    assert quantile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert quantile([1.0], 0.99) == 1.0


def test_the_best_peer_counts_only_with_ttyd() -> None:
    assert set(echo_ratios({}, has_ttyd=False).values()) == {None}


def test_the_worse_crowd_and_the_best_peer_make_the_ratio() -> None:
    crowd = {
        "slipway": windows("slipway", 2.0, [4.0, 8.0]),
        "ttyd": windows("ttyd", 2.0, [4.0, 4.0]),
        "terminado": windows("terminado", 4.0, [2.0, 8.0]),
    }
    calm = {name: windows(name, 1.0, [1.0]) for name in crowd}
    ratios = echo_ratios({1: calm, 20: crowd, 100: calm}, has_ttyd=True)
    assert ratios["echo_p50_vs_best_peer"] == 1.0
    assert ratios["echo_p99_q25_vs_best_peer"] == 2.0


@pytest.mark.parametrize(
    ("dialect", "frame", "shown"),
    [
        (Slipway, encode(Op.BINARY, b"O" + struct.pack(">Q", 120) + b"hi"), b"hi"),
        (Slipway, encode(Op.BINARY, b'H{"seq": 0}'), b""),
        (Ttyd, encode(Op.BINARY, b"0hi"), b"hi"),
        (Ttyd, encode(Op.BINARY, b"1title"), b""),
        (Terminado, encode(Op.TEXT, b'["stdout", "hi"]'), b'hi"]'),
        (Terminado, encode(Op.TEXT, b'["setup", {}]'), b""),
        (SocketIo, encode(Op.TEXT, b'42["output","hi"]'), b'"hi"]'),
    ],
)
def test_each_server_is_understood(dialect: type, frame: bytes, shown: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        line = Line(theirs, dialect())
        ours.sendall(frame[:3])
        assert line.receive() == b""
        ours.sendall(frame[3:])
        assert line.receive() == shown
        line.close()


def test_output_that_was_drawn_is_told_as_the_browser_tells_it() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        line = Line(theirs, Slipway())
        ours.sendall(encode(Op.BINARY, b"O" + struct.pack(">Q", 0) + bytes(65536)))
        while not line.receive():
            pass
        (said,) = Parser(expects_mask=True).feed(ours.recv(100))
        assert said == (Op.BINARY, b"A" + struct.pack(">Q", 65536))
        line.close()


def test_the_bare_loop_knows_its_last_word_in_two_halves() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)  # who reads on fails here
        for read in (b"x" * 4095, b"\r\nDO", b"NE\r\n# ", b"what is not its own"):
            ours.sendall(read)
        read_until(b"DONE", theirs.fileno())
        assert theirs.recv(64) == b"what is not its own"


def test_the_bare_loop_times_one_cat_after_another(tmp_path: Path) -> None:
    text = tmp_path / "text"
    coloured_text(text, 64 * 1024)
    with BareLoop() as loop:
        assert loop.throughput(text) > 0
        assert loop.throughput(text) > 0
