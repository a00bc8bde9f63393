"""One Socket.IO connection, as a page has it: imperatives with an answer, and facts."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from webapp.rehearsal.browser import ANSWER_S, Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.rehearsal.browser import Browser, Websocket

_PATH = "/socket.io/?EIO=4&transport=websocket"
_PACKET = re.compile(r"4(?P<kind>[0-4])(?P<space>/[a-z]+),(?P<id>\d*)(?P<body>.*)", re.DOTALL)
_CONNECTED, _EVENT, _ANSWER, _REFUSED = "0", "2", "3", "4"


class Room:
    """A namespace of the server's.

    Args:
        socket: freshly opened; the room's from now on.
        namespace: such as `/lesson`.
        hear: told each fact, by name and fields.
    """

    def __init__(
        self, socket: Websocket, namespace: str, hear: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._socket = socket
        self._namespace = namespace
        self._hear = hear
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._inside: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def enter(
        cls, browser: Browser, namespace: str, hear: Callable[[str, dict[str, Any]], None]
    ) -> Room:
        """Open a connection and join.

        Raises:
            Failed: it was refused.
        """
        room = cls(await browser.websocket(_PATH), namespace, hear)
        await asyncio.wait_for(room._inside, ANSWER_S)
        return room

    async def ask(self, name: str, **fields: object) -> dict[str, Any]:
        """Say an imperative, and wait for its answer.

        Raises:
            Failed: the answer is a problem.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._socket.send(f"42{self._namespace},{number}{json.dumps([name, fields])}")
        said = await asyncio.wait_for(answer, ANSWER_S)
        if problem := said.get("problem"):
            raise Failed(f"{name}: {problem['sentence']}")
        return said

    def close(self) -> None:
        """Leave."""
        self._task.cancel()
        self._socket.close()

    async def _listen(self) -> None:
        error: Exception = Failed("the server hung up")
        try:
            async for message in self._socket.messages():
                self._take(str(message))
        except (Failed, OSError) as lost:
            error = lost
        if not self._inside.done():
            self._inside.set_exception(error)
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(error)

    def _take(self, text: str) -> None:
        if text.startswith("0"):
            self._socket.send(f"40{self._namespace},")
        elif text == "2":
            self._socket.send("3")
        elif found := _PACKET.fullmatch(text):
            self._packet(found["kind"], found["id"], found["body"])

    def _packet(self, kind: str, number: str, body: str) -> None:
        said: list[Any] = json.loads(body) if body and kind in {_EVENT, _ANSWER} else []
        if kind == _CONNECTED:
            self._inside.set_result(None)
        elif kind == _REFUSED:
            self._inside.set_exception(Failed(f"{self._namespace} refused: {body[:200]}"))
        elif kind == _ANSWER and number:
            waiting = self._asked.pop(int(number), None)
            if waiting and not waiting.done():
                waiting.set_result(said[0] if said and said[0] else {})
        elif kind == _EVENT:
            self._hear(said[0], said[1] if len(said) > 1 else {})
