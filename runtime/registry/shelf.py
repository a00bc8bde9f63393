"""One of Debian's docker-registry with a folder of its own, and what it keeps there.

It listens on a Unix socket that only its front knows, in a network namespace without any network.
What lies in the folder has been laid out the same way for years (its specification, “path.go”); it
is only read here, but for whole names that are taken away and for lists of variants.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from runtime.kernel import spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger()

PROGRAM = "docker-registry"
_TALK_S = 60.0
_BEGIN_S, _LOOK_S = 10.0, 0.05
_SWEEP_S = 600.0
_GATE_S = 30.0


class Shelf:
    """One registry.

    Args:
        folder: where its files are, and its socket.

    Attributes:
        written_at: when somebody last brought something, in seconds of the monotonic clock.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "socket"
        self._config = folder / "config.json"
        self._top = folder / "kept/docker/registry/v2"
        self.written_at = time.monotonic()
        self._writers = 0
        self._is_shut = False
        self._changed = threading.Condition()

    def start(self) -> spawn.Process:
        """Start it; it ends with the thread that called.

        Raises:
            OSError: it isn't installed, or the disk is full.
        """
        folder = self._config.parent
        folder.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        # JSON is YAML, which is what it reads.
        storage = {
            "filesystem": {"rootdirectory": str(folder / "kept")},
            "maintenance": {"uploadpurging": {"enabled": False}},
        }
        own = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": storage,
            "http": {
                "net": "unix",
                "addr": str(self._socket),
                "relativeurls": True,
                "secret": secrets.token_hex(),
            },
        }
        self._config.write_text(json.dumps(own))
        return spawn.start(["setpriv", "--pdeathsig=KILL", PROGRAM, "serve", str(self._config)])

    @contextmanager
    def talk(self) -> Iterator[http.client.HTTPConnection]:
        """A connection to it, closed at the end.

        Raises:
            OSError: nobody answers there.
        """
        connection = http.client.HTTPConnection("registry", timeout=_TALK_S)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_TALK_S)
            self._reach(sock)
            connection.sock = sock
            yield connection

    def _reach(self, sock: socket.socket) -> None:
        """Connect; one that was started just now may not listen yet."""
        until = time.monotonic() + _BEGIN_S
        while True:
            try:
                sock.connect(str(self._socket))
                return
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOK_S)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Whoever brings something holds this: nothing is swept meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self._writers += 1
        try:
            yield
        finally:
            with self._changed:
                self.written_at = time.monotonic()
                self._writers -= 1
                self._changed.notify_all()

    def digest(self, name: str, reference: str) -> str:
        """What a tag of an image means here, or the digest itself; empty where it isn't here."""
        manifests = self._top / "repositories" / name / "_manifests"
        place = manifests / "tags" / reference / "current/link"
        if reference.startswith("sha256:"):
            place = self._revision(name, reference)
        try:
            return place.read_text().strip()
        except OSError:
            return ""

    def list_variants(self, name: str, digest: str) -> None:
        """Let a blob of an image be found as a list of variants, of which most aren't here.

        The registry itself takes such a list only with all of them. It is written into its folder
        as the registry would write it.

        Raises:
            OSError: the disk is full.
        """
        link = self._revision(name, digest)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(digest)

    def used_bytes(self, top: str) -> int:
        """What all images take whose names begin with this, and what comes of them just now."""
        folder = self._top / "repositories" / top
        digests = {link.parent.name for link in folder.glob("**/_layers/sha256/*/link")}
        digests |= {
            link.parent.name for link in folder.glob("**/_manifests/revisions/sha256/*/link")
        }
        blobs = (self._blob(digest) for digest in digests)
        return sum(map(_size, (*blobs, *folder.glob("**/_uploads/*/data"))))

    def kept_bytes(self) -> int:
        """What all of its blobs take."""
        return sum(map(_size, self._top.glob("blobs/sha256/*/*/data")))

    def tops(self) -> list[str]:
        """What the names begin with of the images that are here."""
        with suppress(OSError):
            return [each.name for each in (self._top / "repositories").iterdir()]
        return []

    def names(self) -> list[str]:
        """The images that are here, the one first that was longest not asked for."""
        top, asked_at = self._top / "repositories", {}
        for place, below, _ in os.walk(top):
            if "_manifests" in below:
                with suppress(FileNotFoundError):  # taken away just now
                    asked_at[os.path.relpath(place, top)] = Path(place).stat().st_mtime
            # No part of a name begins so, and there are as many folders there as pushed layers.
            below[:] = [name for name in below if not name.startswith("_")]
        return sorted(asked_at, key=lambda name: asked_at[name])

    def touch(self, name: str) -> None:
        """Note that an image was asked for."""
        with suppress(OSError):
            (self._top / "repositories" / name).touch()

    def forget(self, name: str) -> None:
        """Take an image away, or all whose names begin so; `sweep` gives the room back.

        Raises:
            ProgramFailed: some of it could not be removed.
        """
        spawn.remove(self._top / "repositories" / name)

    def abandon(self, name: str, upload: str) -> None:
        """Take away what has come of an upload that doesn't go on."""
        folder = self._top / "repositories" / name / "_uploads" / upload
        shutil.rmtree(folder, ignore_errors=True)  # what its registry still writes `sweep` finds

    def sweep(self) -> bool:
        """Remove what no tag of any image needs; False where somebody brings something just now.

        Raises:
            ProgramFailed: it could not be done.
        """
        with self._changed:
            if self._is_shut or not self._changed.wait_for(lambda: not self._writers, _GATE_S):
                return False
            self._is_shut = True
        try:
            for stale in (self._top / "repositories").glob("**/_uploads/*"):
                spawn.remove(stale)
            for manifests in (self._top / "repositories").glob("**/_manifests"):
                (manifests / "tags").mkdir(exist_ok=True)  # or one pulled by its digest fails it
            argv = [PROGRAM, "garbage-collect", "--delete-untagged=true", str(self._config)]
            if self.tops():
                spawn.run(argv, timeout_s=_SWEEP_S)
            else:
                spawn.remove(self._top)
        finally:
            with self._changed:
                self._is_shut = False
                self._changed.notify_all()
        return True

    def _revision(self, name: str, digest: str) -> Path:
        folder = self._top / "repositories" / name / "_manifests/revisions"
        return folder / digest.replace(":", "/") / "link"

    def _blob(self, digest: str) -> Path:
        return self._top / "blobs/sha256" / digest[:2] / digest / "data"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # swept meanwhile
        return 0
