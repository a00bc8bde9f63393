"""`python -m webapp.preview`: the process that carries previews; it knows no database and no page.

All that it is told stands in its environment, by the supervisor: the socket that it listens on, the
ports that it may take, and the key that the web signs tickets with.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from runtime.client import WELL_TIMEOUT_S, Client
from webapp.crowd import Crowd
from webapp.log import init_log
from webapp.preview.address import Signer
from webapp.preview.door import Door
from webapp.preview.reach import MOST, Reach
from webapp.preview.slots import Slots


async def serve(environ: dict[str, str]) -> None:
    """Carry previews until SIGTERM."""
    run = Path(environ["SLIPWAY_RUN"])
    client = Client(run / "runtime.sock", WELL_TIMEOUT_S)
    signer, reach = Signer(environ["SLIPWAY_PREVIEW_KEY"]), Reach(client.lab_dial)
    door = Door(signer, reach, Crowd(person_most=2 * MOST))
    first, count = int(environ["SLIPWAY_PREVIEW_PORT"]), int(environ["SLIPWAY_PREVIEW_PORTS"])
    ports = range(first + 1, min(first + count, 65536))
    record = run / "preview" / "slots.json"
    slots = Slots(environ["SLIPWAY_HOST"], ports, door.visitor, record)
    door.slots = slots
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    listener = socket.socket(fileno=int(environ["SLIPWAY_LISTEN_FD"]))
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    await slots.restore()
    server = await loop.create_server(door.visitor, sock=listener)
    await over.wait()
    server.close()
    slots.close()


def main() -> int:
    """Run until SIGTERM."""
    if "SLIPWAY_PREVIEW_KEY" not in os.environ:
        sys.stderr.write("Previews are started by the supervisor.\n")
        return 2
    init_log()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two for each request under way
    asyncio.run(serve(dict(os.environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
