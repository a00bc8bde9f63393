"""Who plays: learners who join, type and check, and an instructor who looks on."""

from __future__ import annotations

import asyncio
import re
import struct
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from webapp.rehearsal.browser import ANSWER_S, Browser, Failed
from webapp.rehearsal.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.rehearsal.browser import Websocket

_PROMPT = re.compile(rb"[$#] ")
_KEPT_BYTES = 4096
_ERASE_LINE = b"\x15"
_DRAWN_EACH = 1 << 15


class Terminal:
    """One shell, by its websocket; it says what it has drawn, as a page does."""

    def __init__(self, socket: Websocket) -> None:
        self._socket = socket
        self._shown = b""
        self._came = asyncio.Event()
        self._drawn = self._seq = 0
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, browser: Browser, terminal: str) -> Self:
        """Open one and wait for its prompt."""
        found = cls(await browser.websocket(f"/terminal/{terminal.replace('.', '/')}"))
        await found.until(_PROMPT)
        return found

    async def press(self, key: bytes) -> float:
        """Type one key; the seconds until it was seen."""
        self._shown = b""
        started = time.perf_counter()
        self._socket.send(b"I" + key)
        await self.until(re.compile(re.escape(key)))
        return time.perf_counter() - started

    async def run(self, command: str, answer: bytes) -> None:
        """Run a command and wait for what it should say."""
        self._shown = b""
        self._socket.send(b"I" + _ERASE_LINE + command.encode() + b"\r")
        await self.until(re.compile(answer))

    async def until(self, pattern: re.Pattern[bytes]) -> None:
        """Wait until this was shown.

        Raises:
            Failed: it wasn't.
        """
        deadline = time.monotonic() + ANSWER_S
        while not pattern.search(self._shown):
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), deadline - time.monotonic())
            except TimeoutError:
                raise Failed(f"a terminal never showed {pattern.pattern!r}") from None
            if self._task.done():
                raise Failed("a terminal was closed")

    def close(self) -> None:
        """Leave."""
        self._task.cancel()
        self._socket.close()

    async def _listen(self) -> None:
        try:
            async for message in self._socket.messages():
                if isinstance(message, bytes) and message[:1] == b"O":
                    self._show(message)
        finally:
            self._came.set()

    def _show(self, message: bytes) -> None:
        (first,) = struct.unpack_from(">Q", message, 1)
        self._seq = first + len(message) - 9
        self._shown = (self._shown + message[9:])[-_KEPT_BYTES:]
        if self._seq - self._drawn >= _DRAWN_EACH:
            self._drawn = self._seq
            self._socket.send(b"A" + struct.pack(">Q", self._seq))
        self._came.set()


class Learner:
    """One of the class.

    Attributes:
        join_s: from pressing Join to the prompt.
    """

    def __init__(self, url: str, code: str, name: str) -> None:
        self.name = name
        self.join_s = 0.0
        self._code = code
        self._browser = Browser(url)
        self._lab: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._room: Room | None = None
        self._step = ""
        self.terminal: Terminal | None = None

    async def join(self) -> None:
        """Join, open the lesson, and wait for the prompt."""
        page = f"/j/{self._code}"
        await self._browser.read(page)
        started = time.perf_counter()
        await self._browser.send(page, "/", code=self._code, name=self.name)
        path, _ = await self._browser.read("/lab")
        self._step = path.removeprefix("/lab/")
        self._room = await Room.enter(self._browser, "/lesson", self._hear)
        await self._room.ask("open", step=self._step)
        terminal = await asyncio.wait_for(self._lab, ANSWER_S)
        self.terminal = await Terminal.open(self._browser, terminal)
        self.join_s = time.perf_counter() - started

    async def check(self) -> None:
        """Press Check my work: passed or not, it has to say.

        Raises:
            Failed: the check broke, or was refused.
        """
        if self._room and (await self._room.ask("check", step=self._step)).get("broke"):
            raise Failed("a check broke")

    def leave(self) -> None:
        """Close the page."""
        for part in (self.terminal, self._room):
            if part:
                part.close()

    def _hear(self, name: str, fields: dict[str, Any]) -> None:
        if name != "lab" or self._lab.done():
            return
        if fields.get("terminals"):
            self._lab.set_result(f"{fields['lab']}.{fields['terminals'][0]}")
        elif fields.get("state") in {"ended", "away"}:
            self._lab.set_exception(Failed(str(fields.get("sentence"))))


class Instructor:
    """Who has the class's page open.

    Args:
        link: a one-time link.
        hear: told each learner's row as it comes.
    """

    def __init__(self, url: str, link: str, hear: Callable[[dict[str, Any]], None]) -> None:
        self._browser = Browser(url)
        self._path = urlsplit(link).path
        self._hear = hear
        self._room: Room | None = None

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps of who they are."""
        return self._browser.cookies

    async def watch(self, workshop: str, password: str) -> None:
        """Sign in, and look on."""
        await self._browser.send(self._path, self._path, password=password, again=password)
        self._room = await Room.enter(
            self._browser,
            "/wall",
            lambda name, fields: self._hear(fields) if name == "learner" else None,
        )
        await self._room.ask("watch", workshop=workshop)

    def leave(self) -> None:
        """Close the page."""
        if self._room:
            self._room.close()
