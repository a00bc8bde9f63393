"""What a web preview adds to a small request, and how many it carries.

    .venv/bin/python benchmarks/preview.py --json

A small service runs in a lab, and answers two ways: by the preview, as a browser asks it, and by a
connection that was opened within the lab's own network, which is as direct as there is. Requests go
both ways in turns, in short windows, so that whatever else the machine does meets both alike: on
connections that stay, and with a connection for each (the service closes). Then 8 connections ask
the preview as fast as they are answered. Takes half a minute. Needs root.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.daemon import TOP, Daemon
from benchmarks.figures import Series, lines_of, machine
from webapp.preview.address import Place, Seat, Signer
from webapp.preview.cookies import seat_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORT = 3000
WINDOW = 50
CONNECTIONS = 8
_PATIENCE_S = 30
_SERVICE = """
import asyncio

class Service(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        over = b"\\r\\nX-Over: 1" in data
        said = b"Connection: close\\r\\n" if over else b""
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n" + said + b"\\r\\nok")
        if over:
            self.transport.close()

async def main():
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", %d)
    await server.serve_forever()

asyncio.run(main())
"""


class Way:
    """One way to the service.

    Args:
        name: for the figures.
        connect: opens a connection.
        head: lines of a request that this way needs.
    """

    def __init__(self, name: str, connect: Callable[[], socket.socket], head: str) -> None:
        self.stays = Series(f"{name}, connections stay")
        self.fresh = Series(f"{name}, one for each")
        self._connect = connect
        self._ask = f"GET / HTTP/1.1\r\n{head}\r\n".encode()
        self._ask_once = f"GET / HTTP/1.1\r\n{head}X-Over: 1\r\n\r\n".encode()

    def window(self, sock: socket.socket) -> None:
        """Some requests on one connection, then some with one each."""
        for _ in range(WINDOW):
            self.stays.values_ms.append(self.request_ms(sock))
        for _ in range(WINDOW // 5):
            began = time.perf_counter()
            with self._connect() as one:
                _answered(one, self._ask_once)
            self.fresh.values_ms.append((time.perf_counter() - began) * 1000)

    def request_ms(self, sock: socket.socket) -> float:
        """One request and its whole answer."""
        began = time.perf_counter()
        _answered(sock, self._ask)
        return (time.perf_counter() - began) * 1000

    def connect(self) -> socket.socket:
        """A connection that stays."""
        return self._connect()


def _answered(sock: socket.socket, ask: bytes) -> None:
    sock.sendall(ask)
    got = b""
    while not (b"\r\n\r\n" in got and got.endswith(b"ok")):
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionResetError(got[:200])
        got += piece


@click.command()
@bench.json_option
@click.option("--windows", default=40, show_default=True, help="How many windows each way.")
@click.option("--seconds", default=5.0, show_default=True, help="How long as fast as it goes.")
@bench.data_option
def main(*, as_json: bool, windows: int, seconds: float, data: Path) -> None:
    """Measure web previews."""
    with bench.workplace(data) as (folder, image), Daemon(folder / "slipway", image) as daemon:
        lab = daemon.lab()["lab"]
        start_service(daemon, lab)
        with preview(daemon) as (port, key):
            figures = measure(daemon, lab, port, key, windows, seconds)
    click.echo(json.dumps(figures) if as_json else "\n".join(lines_of(figures)))


def measure(
    daemon: Daemon, lab: str, port: int, key: str, windows: int, seconds: float
) -> dict[str, Any]:
    """Both ways in turns, then the preview alone."""
    place = Place(lab, PORT)
    seat = Seat(place, "benchmark", time.time() + 3600, "http://localhost")
    cookie = f"Cookie: {seat_name(place)}={Signer(key).cookie(seat)}\r\n"
    name = f"Host: {place.label}.localhost\r\n"
    direct = Way("direct", lambda: _direct(daemon, lab), name)
    shown = Way("preview", lambda: _no_delay(("127.0.0.1", port)), name + cookie)
    with direct.connect() as straight, shown.connect() as through:
        direct.window(straight)
        shown.window(through)
        for series in (direct.stays, direct.fresh, shown.stays, shown.fresh):
            series.values_ms.clear()  # the first ones fill caches
        for _ in range(windows):
            direct.window(straight)
            shown.window(through)
    runs = [direct.stays, shown.stays, direct.fresh, shown.fresh]
    return {
        "benchmark": "preview",
        "machine": machine(),
        "runs": [{**run.as_dict(), "values_ms": []} for run in runs],
        "ratios": {
            "added_p50_ms": _added(shown.stays, direct.stays),
            "added_p50_fresh_ms": _added(shown.fresh, direct.fresh),
            "requests_per_second": as_fast_as_it_goes(shown, seconds),
        },
    }


def _added(of: Series, to: Series) -> float:
    return round(statistics.median(of.values_ms) - statistics.median(to.values_ms), 3)


def as_fast_as_it_goes(way: Way, seconds: float) -> int:
    """How many requests a second some connections get through together."""
    counts = [0] * CONNECTIONS
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        with way.connect() as sock:
            while time.perf_counter() < end:
                way.request_ms(sock)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / seconds)


def start_service(daemon: Daemon, lab: str) -> None:
    """Start the service in a lab; on return it listens."""
    with (daemon.instance.data_path / "said").open("w+b") as said:
        fds = (0, said.fileno(), said.fileno())
        script = f"setsid python3 -c '{_SERVICE % PORT}' </dev/null >/dev/null 2>&1 &"
        wait = f"until (exec 3<>/dev/tcp/127.0.0.1/{PORT}) 2>/dev/null; do sleep 0.05; done"
        argv = ["/bin/bash", "-c", f"{script} {wait}"]
        if daemon.client.lab_exec(lab, argv, user="learner", fds=fds) != 0:
            said.seek(0)
            raise RuntimeError(said.read().decode())


@contextmanager
def preview(daemon: Daemon) -> Iterator[tuple[int, str]]:
    """The process that carries previews: its port and its key."""
    key = secrets.token_hex()
    run = daemon.instance.run_path
    (run / "preview").mkdir()
    with ExitStack() as undo:
        listener = undo.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "webapp.preview"],
            pass_fds=[listener.fileno()],
            env={
                **os.environ,
                "PYTHONPATH": str(TOP),
                "SLIPWAY_RUN": str(run),
                "SLIPWAY_HOST": "127.0.0.1",
                "SLIPWAY_LISTEN_FD": str(listener.fileno()),
                "SLIPWAY_PREVIEW_KEY": key,
                "SLIPWAY_PREVIEW_PORT": str(port),
                "SLIPWAY_PREVIEW_PORTS": "2",
            },
        )
        try:
            yield port, key
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_S)


def _direct(daemon: Daemon, lab: str) -> socket.socket:
    sock = socket.socket(fileno=daemon.client.lab_dial(lab, PORT))
    sock.settimeout(_PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _no_delay(address: tuple[str, int]) -> socket.socket:
    sock = socket.create_connection(address, timeout=_PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


if __name__ == "__main__":
    main()
