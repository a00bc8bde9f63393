"""What is measured, one function a question; each takes the servers in turns."""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from benchmarks.figures import quantile
from benchmarks.terminals.client import Client, storm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.terminals.client import Storm
    from benchmarks.terminals.servers import OurPump, Peer, Server

FLOODS = 2
FLOOD_SETTLES_S = 0.5
TYPED_MOST = 2000  # a line of a terminal holds 4095
STALL_S = 10.0
STORM_CLIENTS = 200
STORM_WITHIN_S = 1.0
YES = b"yes\n"

Taker = TypeVar("Taker")


class Printer(Protocol):
    """What shows a file by `cat`: a server with its client, or the bare loop."""

    @property
    def name(self) -> str:
        """As the figures have it."""

    def throughput(self, path: Path) -> float:
        """MiB a second of one `cat`, from the key to its last byte."""


@dataclass
class Windows:
    """Echo times of one server in one situation: p50 and p99 of each window."""

    server: str
    situation: str
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def add(self, took_ms: Sequence[float]) -> None:
        """One more window."""
        self.p50_ms.append(quantile(took_ms, 0.5))
        self.p99_ms.append(quantile(took_ms, 0.99))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "server": self.server,
            "situation": self.situation,
            "windows": len(self.p50_ms),
            "p50_ms": round(quantile(self.p50_ms, 0.5), 3),
            "p99_q25_ms": round(quantile(self.p99_ms, 0.25), 3),
            "p99_ms": round(quantile(self.p99_ms, 0.5), 3),
        }


class Stand:
    """One server that runs, its terminals, and the client's hold on them."""

    def __init__(self, server: Server, terminals: int) -> None:
        self.server = server
        self.client = Client()
        empty_bytes = server.memory_bytes
        self.lines = [self.client.add(server.open()) for _ in range(terminals)]
        self.memory_each_bytes = (server.memory_bytes - empty_bytes) / terminals
        self.floods = [self.client.add(server.open()) for _ in range(FLOODS)]
        self._typed = 0

    @property
    def name(self) -> str:
        """The server's."""
        return self.server.name

    def throughput(self, path: Path) -> float:
        """MiB a second of one `cat`, from the key to its last byte."""
        return self.client.throughput(self.floods[0], path)

    def type(self, count: int, window_s: float) -> list[float]:
        """Type into the first `count` terminals; milliseconds of each echo."""
        if self._typed > TYPED_MOST:
            self.client.clear(self.lines)
            self._typed = 0
        gc.collect()
        gc.disable()
        took = self.client.type(self.lines[:count], window_s)
        gc.enable()
        self._typed += len(took) // count + 1
        return took


def echo(
    stands: Sequence[Stand], count: int, windows: int, window_s: float, say: Callable[[str], None]
) -> dict[str, Windows]:
    """Keystrokes in `count` terminals at once, nobody floods."""
    found = {each.server.name: Windows(each.server.name, f"quiet {count}") for each in stands}
    for turn in range(windows):
        for stand in turned(stands, turn):
            found[stand.server.name].add(stand.type(count, window_s))
        say(f"{count} terminals, window {turn + 1} of {windows}")
    return found


def flood(
    stands: Sequence[Stand],
    kind: str,
    command: bytes,
    count: int,
    windows: int,
    window_s: float,
    say: Callable[[str], None],
) -> tuple[dict[str, Windows], dict[str, Windows]]:
    """The same while two terminals flood, and without, window by window.

    Returns:
        Quiet and flooded, by server.
    """
    quiet = {each.server.name: Windows(each.server.name, f"beside {kind}") for each in stands}
    loud = {each.server.name: Windows(each.server.name, f"{kind} floods") for each in stands}
    for turn in range(windows):
        for stand in turned(stands, turn):
            quiet[stand.server.name].add(stand.type(count, window_s))
            stand.client.flood(stand.floods, command, FLOOD_SETTLES_S)
            loud[stand.server.name].add(stand.type(count, window_s))
            for line in stand.floods:
                stand.client.interrupt(line)
            stand.client.settle()
        say(f"floods of {kind}, window {turn + 1} of {windows}")
    return quiet, loud


def throughput(printers: Sequence[Printer], path: Path, runs: int) -> dict[str, list[float]]:
    """MiB a second of one `cat`."""
    found: dict[str, list[float]] = {each.name: [] for each in printers}
    for turn in range(runs):
        for each in turned(printers, turn):
            found[each.name].append(each.throughput(path))
    return found


def stall(ours: OurPump, client: Client) -> dict[str, float]:
    """A viewer that draws nothing for ten seconds of `yes`, beside one that does."""
    terminal = ours.shell()
    watching = client.add(ours.look(terminal))
    before = ours.memory_bytes
    stalled = ours.look(terminal)
    client.flood([watching], YES, STALL_S)
    grown = ours.memory_bytes - before
    interrupt_ms = client.interrupt(watching)
    client.settle()
    stalled.close()
    return {"grown_bytes": grown, "interrupt_ms": round(interrupt_ms, 2)}


def storms(peer: Peer) -> list[Storm]:
    """200 come within a second, leave, and 200 more come."""
    return [storm([peer.door] * STORM_CLIENTS, STORM_WITHIN_S) for _ in range(2)]


def scale(ours: OurPump, few: int, many: int, windows: int, window_s: float) -> list[Windows]:
    """Few terminals and many on one pump, in turns."""
    stand = Stand(ours, many)
    found = [Windows(ours.name, f"scale {few}"), Windows(ours.name, f"scale {many}")]
    for _ in range(windows):
        for each, count in zip(found, (few, many), strict=True):
            each.add(stand.type(count, window_s))
    stand.client.close()
    return found


def turned(those: Sequence[Taker], turn: int) -> list[Taker]:
    """In another order each turn: what one leaves behind in caches is not always the same one's."""
    return random.Random(turn).sample(those, len(those))  # noqa: S311 - the same in each run


def coloured_text(path: Path, size_bytes: int) -> None:
    """What `ls --color` and a build print: lines with escapes."""
    line = b"".join(b"\x1b[%dmword%d\x1b[0m " % (31 + n % 7, n) for n in range(8)) + b"\n"
    path.write_bytes(line * (size_bytes // len(line)))
