"""The mirror: what labs pull is asked for once, kept, and given to all, also when nobody answers.

The runtime looks for an image, here or at a registry, since this process has no network; it comes
as open files. One thread brings a name, the others wait for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict, deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import structlog

from runtime.problems import Problem
from runtime.registry.asks import MIRROR

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

    from runtime.client import Client
    from runtime.registry.asks import Ask
    from runtime.registry.shelf import Shelf

log = structlog.get_logger()

FRESH_S = 900.0
# After a registry refused, nobody asks it the same again at once.
_REFUSED_S = 60.0
# The same of what an image is, wherever it would come from.
_OF_IMAGES = {"image-unknown-there", "image-unfit", "image-too-large", "image-fetch-failed"}
_HOUR_S = 3600.0
_NAMES_MOST = 4096
OF_ONE_LAB = 60
"""Images an hour that one lab may have asked for that aren't here."""


class Guest(NamedTuple):
    """Whose connection it is.

    Attributes:
        lab: its id.
        own: what its names begin with.
        asks: whether registries are asked for it: its workshop has internet.
    """

    lab: str
    own: str
    asks: bool


class Part(NamedTuple):
    """One file of an image."""

    digest: str
    media_type: str
    fd: int


class _Answer(NamedTuple):
    until: float
    problem: Problem | None


class Mirror:
    """What labs pull; safe from any thread.

    Args:
        shelf: keeps it.
        runtime: looks for it.
        most_bytes: what it may all take.
    """

    def __init__(self, shelf: Shelf, runtime: Client, most_bytes: int) -> None:
        self.shelf = shelf
        self._runtime = runtime
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._filling = threading.Lock()
        self._turns: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._labs: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)

    def have(self, ask: Ask, guest: Guest) -> None:
        """See that a manifest is here, in a state that was looked at not long ago if possible.

        Raises:
            Problem: why it isn't here, and can't come.
        """
        key = (ask.name, ask.reference)
        with self._lock:
            self._tidy()
            turn = self._turns[key]
        with turn:
            answer = self._answers.get(key)
            here = self.shelf.digest(*key)
            if not here or ask.reference != here:
                answer = self._known(answer, here) or self._bring(ask, guest, here)
            if not here and answer is not None and answer.problem is not None:
                raise answer.problem
        self.shelf.touch(ask.name)

    def _known(self, answer: _Answer | None, here: str) -> _Answer | None:
        """What was found not long ago, unless it has had to make room since."""
        if answer is None or time.monotonic() > answer.until:
            return None
        return answer if here or answer.problem else None

    def _bring(self, ask: Ask, guest: Guest, here: str) -> _Answer:
        """Have it brought; the answer holds for a time, for whoever else asks."""
        problem = None
        try:
            with self._labs[guest.lab]:
                self._count(guest)
                self._fill(ask, guest, here)
        except Problem as found:
            log.debug("mirror.refused", code=found.code, lab=guest.lab)
            problem = found
        answer = _Answer(time.monotonic() + _holds_s(problem), problem)
        with self._lock:
            self._answers[ask.name, ask.reference] = answer
        return answer

    def _tidy(self) -> None:
        """Forget what holds no more: labs may ask for any number of names."""
        if len(self._turns) < _NAMES_MOST:
            return
        now = time.monotonic()
        self._answers = {key: each for key, each in self._answers.items() if each.until > now}
        for key in [key for key, turn in self._turns.items() if not turn.locked()]:
            if key not in self._answers:
                del self._turns[key]

    def _count(self, guest: Guest) -> None:
        asked, now = self._asked[guest.lab], time.monotonic()
        while asked and asked[0] < now - _HOUR_S:
            asked.popleft()
        if len(asked) >= OF_ONE_LAB:
            raise Problem(
                "image-asked-often",
                f"This lab has asked for {OF_ONE_LAB} images within an hour.",
                "Images that you have pulled already are in your lab. Wait, or ask your instructor "
                "to fetch what you need.",
            )
        asked.append(now)

    def _fill(self, ask: Ask, guest: Guest, here: str) -> None:
        wanted = ask.name.removeprefix(f"{MIRROR}/")
        with ExitStack() as owned:
            parts: list[Part] = []
            with self._runtime.registry_lend(guest.lab, wanted, ask.reference, here) as feed:
                while packet := feed.receive():
                    fd = packet.descriptors.take(0)
                    owned.callback(os.close, fd)
                    parts.append(Part(packet.body["digest"], packet.body["media_type"], fd))
            if not parts:
                return
            with self._filling:
                self._make_room(sum(os.fstat(part.fd).st_size for part in parts), ask.name)
                with self.shelf.writing():
                    self._put(ask, parts)

    def _make_room(self, needed_bytes: int, keep: str) -> None:
        """Let what was longest not asked for go; labs that have it keep theirs."""
        names = [name for name in self.shelf.names() if name != keep]
        while names and self.shelf.kept_bytes() + needed_bytes > self._most_bytes:
            count = max(1, len(names) // 4)
            for name in names[:count]:
                self.shelf.forget(name)
            names = names[count:]
            if not self.shelf.sweep():
                return
            log.info("mirror.made_room", images=count)

    def _put(self, ask: Ask, parts: list[Part]) -> None:
        """Give an image to the shelf, its manifest last: what is half there has no name."""
        blobs = [part for part in parts if not part.media_type]
        manifest, *variants = [part for part in parts if part.media_type]
        with self.shelf.talk() as talk:
            for part in [*blobs, *variants]:
                _put_blob(talk, ask.name, part)
            reference = manifest.digest if variants else ask.reference
            _sent(talk, f"/v2/{ask.name}/manifests/{reference}", manifest)
        for part in variants:
            self.shelf.list_variants(ask.name, part.digest)


def _put_blob(talk: HTTPConnection, name: str, part: Part) -> None:
    if _said(talk, "HEAD", f"/v2/{name}/blobs/{part.digest}").status != 200:
        begun = _said(talk, "POST", f"/v2/{name}/blobs/uploads/")
        place = begun.headers.get("Location", "")
        mark = "&" if "?" in place else "?"
        _sent(talk, f"{place}{mark}digest={part.digest}", part._replace(media_type=""))


def _holds_s(problem: Problem | None) -> float:
    """For how long an answer is everybody's; not what was said of one lab."""
    if problem is None:
        return FRESH_S
    is_outside = problem.code.startswith("registry-") or problem.code in _OF_IMAGES
    return _REFUSED_S if is_outside else 0


def _said(talk: HTTPConnection, method: str, target: str) -> HTTPResponse:
    talk.request(method, target)
    answer = talk.getresponse()
    answer.read()
    return answer


def _sent(talk: HTTPConnection, target: str, part: Part) -> None:
    kind = part.media_type or "application/octet-stream"
    with open(part.fd, "rb", closefd=False) as file:
        file.seek(0)
        headers = {"Content-Type": kind, "Content-Length": str(os.fstat(part.fd).st_size)}
        talk.request("PUT", target, body=file, headers=headers)
    answer = talk.getresponse()
    said = answer.read(4096).decode(errors="replace")
    if answer.status >= 300:
        raise OSError(f"the shelf answered {answer.status}: {said}")
