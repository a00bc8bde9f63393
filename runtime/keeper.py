"""The keeper: holds descriptors by name, so that they outlive whoever uses them.

A process and a session of its own. It reads nothing, decides nothing and never needs an upgrade to
change. Only root may talk to it. It ends when told, or never.
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
import sys
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from runtime.problems import Problem
from runtime.protocol import Args, Connection, Descriptors, Packet, bad_request

LIST_PAGE = 300


class Kept(NamedTuple):
    """Descriptors under one name, and what their owner wants to remember of them."""

    descriptors: Descriptors
    note: dict[str, Any]


class Keeper:
    """The sets that are held, and the loop that gives them out.

    Args:
        listener: a listening SEQPACKET socket.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._kept: dict[str, Kept] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)
        self._running = True

    def run(self) -> None:
        """Answer until told to stop."""
        while self._running:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, Connection):
                    self._answer(key.data)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Connection):
                key.data.close()
        self._selector.close()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        connection = Connection(sock)
        if connection.peer().uid != os.geteuid():
            connection.close()
            return
        self._selector.register(sock, selectors.EVENT_READ, connection)

    def _answer(self, connection: Connection) -> None:
        """One packet in, one out; a caller that can't be talked to is let go."""
        try:
            packet = connection.receive()
            if packet:
                with packet.descriptors:
                    answer, fds = self._do(packet)
                connection.send({"ok": answer}, fds)
                return
        except Problem as problem:
            connection.send({"problem": problem.as_dict()})
            return
        except OSError:
            pass
        self._selector.unregister(connection)
        connection.close()

    def _do(self, packet: Packet) -> tuple[dict[str, Any], list[int]]:
        args = Args(packet.body)
        match args.text("op", longest=8):
            case "put":
                name = args.text("name", longest=128)
                note = args.mapping("note", default={})
                self._drop(name)
                self._kept[name] = Kept(Descriptors(packet.descriptors.take_all()), note)
                return {}, []
            case "get":
                kept = self._kept.get(args.text("name", longest=128))
                return {"found": kept is not None}, list(kept.descriptors) if kept else []
            case "list":
                return {"sets": self._page(args.integer("start", low=0, high=1 << 31))}, []
            case "drop":
                self._drop(args.text("name", longest=128))
                return {}, []
            case "stop":
                self._running = False
                return {}, []
            case other:
                raise bad_request(f"The keeper knows no “{other}”.")

    def _page(self, start: int) -> list[dict[str, Any]]:
        page = islice(self._kept.items(), start, start + LIST_PAGE)
        return [{"name": name, "note": kept.note} for name, kept in page]

    def _drop(self, name: str) -> None:
        if kept := self._kept.pop(name, None):
            kept.descriptors.close()


def main(socket_path: Path) -> None:
    """Be the keeper of the instance whose socket this is, until told to stop."""
    os.chdir("/")
    os.closerange(3, 1024)  # whatever the one who started us had open
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    socket_path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.umask(0o177)
    listener.bind(str(socket_path))
    listener.listen(16)
    Keeper(listener).run()
    socket_path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
