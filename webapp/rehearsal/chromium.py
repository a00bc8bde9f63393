"""A real browser, without a screen: Chromium, told what to do over two pipes.

By the pipes alone: a port would be open to every user of the machine. It runs as nobody, and after
everybody else: a learner's browser is on a computer of their own, and takes nothing of the server.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import os
import pwd
import select
import shutil
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from webapp.rehearsal.browser import ANSWER_S, Failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it sees pages of ours alone, and a server in a container has no room for it
    "--no-first-run",
    "--disable-background-networking",
    # Three people look at three pages: none of them is one that nobody sees.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
)
_LOOK_EACH_S = 0.05
_FIRST_FREE_FD = 10  # beyond those that Chromium reads and writes: 3 and 4
_MESSAGE_BYTES = 64 << 20
_END_S = 10.0
_BETWEEN_PAGES = ("context", "navigated", "Cannot find")
"""What the browser says of a question that met a page just as it went."""


class Chromium:
    """One program; each page in it has a profile of its own.

    Attributes:
        session: the number of its processes' session.
    """

    def __init__(
        self, session: int, told: asyncio.StreamReader, tell: asyncio.WriteTransport
    ) -> None:
        self.session = session
        self._told = told
        self._tell = tell
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._task = asyncio.create_task(self._listen())

    @classmethod
    @asynccontextmanager
    async def started(cls) -> AsyncIterator[Self]:
        """Start one; it is gone afterwards, with all that it wrote.

        Raises:
            FileNotFoundError: there is none on this machine.
        """
        program = shutil.which("chromium")
        if program is None:
            raise FileNotFoundError("chromium")
        with tempfile.TemporaryDirectory(prefix="slipway-browser-") as home:
            pid, read_fd, write_fd = _start(program, home)
            told, tell = await _connect(read_fd, write_fd)
            browser = cls(pid, told, tell)
            try:
                yield browser
            finally:
                await browser._close()

    async def page(self) -> Page:
        """A page in a profile of its own."""
        profile = await self.ask("Target.createBrowserContext")
        of = profile["browserContextId"]
        target = await self.ask(
            "Target.createTarget", url="about:blank", browserContextId=of, width=1280, height=800
        )
        attached = await self.ask(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        page = Page(self, attached["sessionId"], of)
        self._pages[attached["sessionId"]] = page
        for domain in ("Page", "Runtime"):
            await page.ask(f"{domain}.enable")
        await page.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        return page

    async def ask(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """One command of the DevTools protocol; its answer.

        Raises:
            Failed: the browser refused it, or is gone.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._tell.write(json.dumps(message).encode() + b"\0")
        said = await asyncio.wait_for(answer, ANSWER_S)
        if problem := said.get("error"):
            raise Failed(f"{method}: {problem['message']}")
        result: dict[str, Any] = said["result"]
        return result

    async def _close(self) -> None:
        with suppress(Failed, TimeoutError):
            await asyncio.wait_for(self.ask("Browser.close"), _END_S)
        self._task.cancel()
        self._tell.close()
        await asyncio.to_thread(_end, self.session)

    async def _listen(self) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                said = json.loads((await self._told.readuntil(b"\0"))[:-1])
                if answer := self._asked.pop(said.get("id", 0), None):
                    if not answer.done():
                        answer.set_result(said)
                elif page := self._pages.get(said.get("sessionId", "")):
                    page.hear(said["method"], said["params"])
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Failed("the browser is gone"))


class Page:
    """One person's page.

    Attributes:
        complaints: what its scripts failed at.
    """

    def __init__(self, browser: Chromium, session: str, profile: str) -> None:
        self._browser = browser
        self._session = session
        self._profile = profile
        self.complaints: list[str] = []

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """One command of the DevTools protocol, for this page."""
        return await self._browser.ask(method, self._session, **params)

    async def keep(self, url: str, cookies: dict[str, str]) -> None:
        """Have these cookies of a server's, as if it had set them."""
        given = [{"name": name, "value": value, "url": url} for name, value in cookies.items()]
        await self._browser.ask("Storage.setCookies", cookies=given, browserContextId=self._profile)

    async def before_each(self, script: str) -> None:
        """Run this in each page before its own scripts."""
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)

    async def open(self, url: str) -> None:
        """Go to an address."""
        if error := (await self.ask("Page.navigate", url=url)).get("errorText"):
            raise Failed(f"the browser could not open {url}: {error}")

    async def read(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        """The value of an expression in the page.

        Raises:
            Failed: it has none.
        """
        said = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if problem := said.get("exceptionDetails"):
            raise Failed(f"in a browser: {problem.get('exception', problem).get('description')}")
        return said["result"].get("value")

    async def until(self, script: str, what: str) -> None:
        """Wait until an expression is true.

        Raises:
            Failed: it never was.
        """
        deadline = asyncio.get_running_loop().time() + ANSWER_S
        while not await self._is(script):
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(f"a browser never showed {what}")
            await asyncio.sleep(_LOOK_EACH_S)

    async def type(self, text: str) -> None:
        """Press a key for each character."""
        for character in text:
            key = "Enter" if character == "\r" else character
            await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=character)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """What the browser says of this page by itself."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(str(details.get("exception", details).get("description")))

    async def _is(self, script: str) -> bool:
        try:
            return bool(await self.read(f"Boolean({script})"))  # a node has no value to give
        except Failed as failed:
            if any(word in str(failed) for word in _BETWEEN_PAGES):
                return False
            raise


def _start(program: str, home: str) -> tuple[int, int, int]:
    """Start it as nobody; its process, and our ends of both pipes."""
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    who = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    argv = ["nice", "-n19", "setpriv", "--pdeathsig=KILL", "--no-new-privs", *who, program, *_FLAGS]
    argv.append(f"--user-data-dir={home}/profile")
    environ = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
    read_fd, their_write_fd = _pipe()
    their_read_fd, write_fd = _pipe()
    with Path(os.devnull).open("r+b", buffering=0) as nothing:
        files = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), fd) for fd in range(3)]
        files += [
            (os.POSIX_SPAWN_DUP2, their_read_fd, 3),
            (os.POSIX_SPAWN_DUP2, their_write_fd, 4),
        ]
        pid = os.posix_spawnp(argv[0], argv, environ, file_actions=files, setsid=True)
    os.close(their_read_fd)
    os.close(their_write_fd)
    with suppress(OSError):  # where sessions have shares of their own, this counts beside `nice`
        Path(f"/proc/{pid}/autogroup").write_text("19")
    return pid, read_fd, write_fd


def _pipe() -> tuple[int, int]:
    """Both ends of one, with numbers that aren't in the browser's way."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end_fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD) for end_fd in ends]
    for end_fd in ends:
        os.close(end_fd)
    return moved[0], moved[1]


def _end(pid: int) -> None:
    """Wait until it has gone; what is left of its session then goes, too."""
    pid_fd = os.pidfd_open(pid)
    select.select([pid_fd], [], [], _END_S)
    os.close(pid_fd)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


async def _connect(
    read_fd: int, write_fd: int
) -> tuple[asyncio.StreamReader, asyncio.WriteTransport]:
    loop = asyncio.get_running_loop()
    told = asyncio.StreamReader(limit=_MESSAGE_BYTES)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(told), os.fdopen(read_fd, "rb", 0)
    )
    tell, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(write_fd, "wb", 0))
    return told, tell
