"""The naive server: what a first Flask-SocketIO terminal looks like, written for the comparison.

Each connection has a pty and a background task that sleeps 10 ms, asks select, reads, and emits
text. Nothing is tuned, on purpose.
"""

from __future__ import annotations

import codecs
import os
import pty
import select
import signal
import sys
import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
import eventlet  # noqa: E402 - before Flask

eventlet.monkey_patch()

from flask import Flask, request  # noqa: E402 - patched first
from flask_socketio import SocketIO  # noqa: E402

PAUSE_S = 0.01
READ_BYTES = 20 * 1024

app = Flask(__name__)
# No pings: the client looks at one server at a time, and would be taken for gone.
socketio = SocketIO(app, async_mode="eventlet", ping_interval=3600)
streams: dict[str, tuple[int, int]] = {}


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO adds it


@socketio.on("connect")
def connect(_auth: object = None) -> None:
    """A shell for whoever comes."""
    pid, master_fd = pty.fork()
    if pid == 0:
        os.execlp("sh", "sh")  # noqa: S606 - a shell is what is asked for
    streams[_sid()] = pid, master_fd
    socketio.start_background_task(_forward, _sid(), master_fd)


@socketio.on("input")
def take(text: str) -> None:
    """Keys."""
    os.write(streams[_sid()][1], text.encode())


@socketio.on("disconnect")
def disconnect(_reason: object = None) -> None:
    """The shell ends with its page."""
    pid, master_fd = streams.pop(_sid())
    os.close(master_fd)
    os.kill(pid, signal.SIGHUP)
    os.waitpid(pid, 0)


def _forward(sid: str, master_fd: int) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while sid in streams:
        eventlet.sleep(PAUSE_S)
        if sid in streams and select.select([master_fd], [], [], 0)[0]:
            try:
                data = os.read(master_fd, READ_BYTES)
            except OSError:
                return
            socketio.emit("output", decoder.decode(data), to=sid)


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]))
