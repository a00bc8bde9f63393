"""The fetches that go on in this server, by name: the second who asks joins the first."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from runtime.image import archives, reference, refusals
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.fetch import Fetcher, Tell
    from runtime.image.reference import Reference
    from runtime.image.skopeo import Access

log = structlog.get_logger()

AT_ONCE = 2
ON_THE_WAY = {"waiting", "fetching"}
MOST = 32
"""Those that go on and wait, together."""
_PAUSE_S = 0.5
_END_S = 5.0


class Stopped(Exception):
    """Somebody doesn't want it any more."""


@dataclass
class Fetch:
    """One image on its way.

    Attributes:
        name: as people type it.
        asked: what was typed, for who tries again; empty where no registry was asked.
        state: `waiting`, `fetching`, `here`, `failed` or `stopped`.
        step: what is being done.
        done_bytes: of `total_bytes`; both 0 until something is known.
        problem: why it failed.
        at: when it last changed, in unix seconds.
    """

    name: str
    asked: str = ""
    state: str = "waiting"
    step: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    problem: dict[str, Any] | None = None
    at: float = field(default_factory=time.time)


class Fetches:
    """Fetches in the background; safe from any thread.

    Args:
        fetcher: does the work.
        mirror: asked first.
        tell: hears of each change, at most twice a second for one image.
    """

    def __init__(
        self, fetcher: Fetcher, mirror: Reference | None, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._fetcher = fetcher
        self._mirror = mirror
        self._tell = tell
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._fetches: dict[str, Fetch] = {}
        self._stopped: set[str] = set()
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def start(self, wanted: Reference, access: Access | None = None) -> dict[str, Any]:
        """Begin to fetch an image, or join who does; the fetch as it is now.

        Raises:
            Problem: `fetches-full`.
        """
        return self.begin(
            wanted.name,
            lambda tell: self._fetcher.pull(wanted, tell, mirror=self._mirror, access=access),
            asked=wanted.typed,
        )

    def load(self, fd: int, name: str, called: str) -> dict[str, Any]:
        """Begin to take an image out of an archive, or join who brings one of that name.

        Args:
            fd: the archive, a file; closed here in the end.
            name: that the image is kept under; empty for the one that the archive says.
            called: what people call the file.

        Raises:
            Problem: `fetches-full`, `image-archive`, `image-reference`.
        """
        with ExitStack() as owned:
            owned.callback(os.close, fd)
            wanted = reference.read(name or archives.name(Path(f"/proc/self/fd/{fd}"), called))
            return self.begin(
                wanted.name, lambda tell: self._fetcher.load_from(fd, wanted, tell, called), owned
            )

    def begin(
        self,
        name: str,
        bring: Callable[[Tell], object],
        owned: ExitStack | None = None,
        *,
        asked: str = "",
    ) -> dict[str, Any]:
        """Start a thread that brings an image, or join the one that does.

        Args:
            name: of the fetch.
            bring: does it.
            owned: goes to the thread, which closes it in the end; stays the caller's where another
                thread brings the image already.
            asked: as of `Fetch`.

        Raises:
            Problem: `fetches-full`.
        """
        with self._lock:
            fetch = self._fetches.get(name)
            if fetch is not None and fetch.state in ON_THE_WAY:
                return asdict(fetch)
            if sum(each.state in ON_THE_WAY for each in self._fetches.values()) >= MOST:
                raise Problem(
                    "fetches-full",
                    f"{MOST} images are on their way already.",
                    "Wait until some are here, then fetch this one.",
                )
            fetch = self._fetches[name] = Fetch(name, asked)
            self._stopped.discard(name)
            begun = asdict(fetch)
            kept = owned.pop_all() if owned is not None else ExitStack()
            thread = threading.Thread(target=self._run, args=(fetch, bring, kept), daemon=True)
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}
            thread.start()
        return begun

    def stop(self, name: str) -> None:
        """Give up a fetch; one that is over, or never was, is fine."""
        with self._lock:
            if (fetch := self._fetches.get(name)) and fetch.state in ON_THE_WAY:
                self._stopped.add(name)

    def forget(self) -> None:
        """Tell nobody any more of those that have ended."""
        with self._lock:
            going = [each for each in self._fetches.values() if each.state in ON_THE_WAY]
            self._fetches = {each.name: each for each in going}

    def close(self) -> None:
        """Give up all of them: the server stops."""
        self._is_closed = True
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(_END_S)

    def all(self) -> list[dict[str, Any]]:
        """Those that go on, and the last end of each other name."""
        with self._lock:
            return [asdict(each) for each in self._fetches.values()]

    def _run(self, fetch: Fetch, bring: Callable[[Tell], object], owned: ExitStack) -> None:
        change = {"state": "here"}
        try:
            with owned, self._turn(fetch):
                bring(_Teller(self, fetch).tell)
        except Stopped:
            change = {"state": "stopped"}
        except Problem as problem:
            log.warning("image.fetch_failed", image=fetch.name, code=problem.code)
            self.change(fetch, state="failed", problem=problem.as_dict())
            return
        except Exception:
            log.exception("image.fetch_broke", image=fetch.name)
            self.change(fetch, state="failed", problem=refusals.broke(fetch.name).as_dict())
            return
        self.change(fetch, **change)

    @contextmanager
    def _turn(self, fetch: Fetch) -> Iterator[None]:
        """A place among those that go on at once; whoever waits for one can be stopped."""
        while not self._room.acquire(timeout=_PAUSE_S):
            self.check(fetch)
        try:
            yield
        finally:
            self._room.release()

    def check(self, fetch: Fetch) -> None:
        """Raises `Stopped` where nobody wants the fetch any more."""
        if self._is_closed or fetch.name in self._stopped:
            raise Stopped

    def change(self, fetch: Fetch, **changes: object) -> None:
        """Take down how a fetch is now, and say it."""
        with self._lock:
            for key, value in changes.items():
                setattr(fetch, key, value)
            fetch.at = time.time()
            now = asdict(fetch)
        self._tell(now)


class _Teller:
    """Passes on how far a fetch is: each step, and amounts twice a second."""

    def __init__(self, fetches: Fetches, fetch: Fetch) -> None:
        self._fetches = fetches
        self._fetch = fetch
        self._told_at = 0.0

    def tell(self, step: str, done_bytes: int, total_bytes: int) -> None:
        """Take one look."""
        self._fetches.check(self._fetch)
        is_new = step != self._fetch.step or self._fetch.state != "fetching"
        if not is_new and time.monotonic() - self._told_at < _PAUSE_S:
            return
        self._told_at = time.monotonic()
        self._fetches.change(
            self._fetch,
            state="fetching",
            step=step,
            done_bytes=done_bytes,
            total_bytes=total_bytes,
        )
