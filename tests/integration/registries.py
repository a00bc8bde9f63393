"""Registries of the tests' own, on loopback: Debian's, and one that has bad days when asked to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from runtime.image import fitness
from tests.conftest import free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


def layer(files: Mapping[str, bytes]) -> bytes:
    """A layer with these files, as registries keep it; the same each time."""
    with io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w") as members:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o755
                members.addfile(member, io.BytesIO(content))
        return gzip.compress(packed.getvalue(), compresslevel=1, mtime=0)


class Made:
    """An image, made by hand: its blobs by digest, and its manifest.

    Args:
        layers: from `layer`, the lowest first.
        architecture: what it is for; this machine's if not said.
        config: what it starts.
        diff_ids: what its settings say of its layers; the truth if not said.
    """

    def __init__(
        self,
        layers: Sequence[bytes],
        architecture: str | None = None,
        config: Mapping[str, Any] | None = None,
        diff_ids: Sequence[str] | None = None,
    ) -> None:
        self.blobs: dict[str, bytes] = {}
        settings = {
            "architecture": architecture or fitness.architecture(),
            "os": "linux",
            "config": dict(config or {"Cmd": ["/bin/sh"]}),
            "rootfs": {
                "type": "layers",
                "diff_ids": diff_ids or [digest_of(gzip.decompress(each)) for each in layers],
            },
        }
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._add(json.dumps(settings).encode(), CONFIG),
                "layers": [self._add(each, LAYER) for each in layers],
            }
        ).encode()

    def _add(self, blob: bytes, kind: str) -> dict[str, Any]:
        self.blobs[digest_of(blob)] = blob
        return {"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}

    def write_archive(self, path: Path) -> None:
        """As `docker save` would, in the OCI layout."""
        index = {"schemaVersion": 2, "manifests": [described(self, "")]}
        files = {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **{f"blobs/{name.replace(':', '/')}": blob for name, blob in self.blobs.items()},
            f"blobs/{digest_of(self.manifest).replace(':', '/')}": self.manifest,
        }
        path.write_bytes(gzip.decompress(layer(files)))


def digest_of(blob: bytes) -> str:
    """How registries name it."""
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def described(made: Made, architecture: str) -> dict[str, Any]:
    """A line of a list of variants."""
    line = {
        "mediaType": MANIFEST,
        "digest": digest_of(made.manifest),
        "size": len(made.manifest),
    }
    return line | (
        {"platform": {"os": "linux", "architecture": architecture}} if architecture else {}
    )


class Front:
    """A registry with one image under any name, and a kind of day.

    A real one can't be told to break off; what it says then was taken down from real ones.

    Attributes:
        day: `good`, `limit` (429), `missing`, `broken` (503), `private` (wants ada's password),
            `cut` (in the middle of a layer), `hold` (a layer begins and doesn't go on).
        sent: digests of the layers that were asked for.
    """

    def __init__(self, made: Made, variants: Sequence[tuple[Made, str]] = ()) -> None:
        self.day = "good"
        self.sent: list[str] = []
        self.is_over = threading.Event()
        self.blobs = dict(made.blobs)
        self.manifests = {"": (MANIFEST, made.manifest)}
        for one in (made, *(each for each, _ in variants)):
            self.blobs |= one.blobs
            self.manifests[digest_of(one.manifest)] = (MANIFEST, one.manifest)
        if variants:
            lines = [described(one, architecture) for one, architecture in variants]
            index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": lines})
            self.manifests[""] = (INDEX, index.encode())

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve; gives host and port."""
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                front.answer(self)

            do_HEAD = do_GET  # noqa: N815  http.server looks for this name

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            self.is_over.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        """One request, as the day is."""
        codes = {"limit": 429, "missing": 404, "broken": 503}
        if self.day == "private" and asked.headers.get("Authorization") != ADAS:
            _send(asked, 401, b"{}", {"WWW-Authenticate": 'Basic realm="here"'})
        elif self.day in codes and asked.path != "/v2/":
            words = {"limit": "TOOMANYREQUESTS", "missing": "MANIFEST_UNKNOWN", "broken": "DOWN"}
            error = {"errors": [{"code": words[self.day], "message": "no"}]}
            # Asked to wait, skopeo does: half a minute by itself.
            _send(asked, codes[self.day], json.dumps(error).encode(), {"Retry-After": "0"})
        elif "/manifests/" in asked.path:
            wanted = asked.path.rsplit("/", 1)[1]
            kind, body = self.manifests.get(wanted, self.manifests[""])
            headers = {"Content-Type": kind, "Docker-Content-Digest": digest_of(body)}
            _send(asked, 200, body, headers)
        elif "/blobs/" in asked.path:
            self._send_blob(asked, self.blobs[asked.path.rsplit("/", 1)[1]])
        else:
            _send(asked, 200, b"{}")

    def _send_blob(self, asked: BaseHTTPRequestHandler, blob: bytes) -> None:
        is_layer = blob[:2] == b"\x1f\x8b"
        if is_layer and asked.command == "GET":
            self.sent.append(digest_of(blob))
        if not is_layer or self.day not in {"cut", "hold"}:
            _send(asked, 200, blob)
            return
        asked.send_response(200)
        asked.send_header("Content-Length", str(len(blob)))
        asked.end_headers()
        asked.wfile.write(blob[: len(blob) // 2])
        asked.wfile.flush()
        if self.day == "hold":
            self.is_over.wait()
        asked.close_connection = True


ADAS = "Basic " + base64.b64encode(b"ada:let me in").decode()


def _send(
    asked: BaseHTTPRequestHandler, code: int, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    asked.send_response(code)
    for name, value in {
        "Docker-Distribution-Api-Version": "registry/2.0",
        **(headers or {}),
    }.items():
        asked.send_header(name, value)
    asked.send_header("Content-Length", str(len(body)))
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(body)


@contextmanager
def real_one(folder: Path) -> Iterator[str]:
    """Debian's docker-registry, empty; gives host and port."""
    port = free_port()
    config = folder / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}, secret: tests}}\n"
    )
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=log, stderr=log
        )
    try:
        place = f"127.0.0.1:{port}"
        wait_for(lambda: _answers(place), "docker-registry")
        yield place
    finally:
        process.terminate()
        process.wait(20)


def _answers(place: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{place}/v2/", timeout=2):
            return True
    except OSError:
        return False


def push(archive: Path, place: str, name: str) -> None:
    """Put an archive's image into a registry."""
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci-archive:{archive}",
         f"docker://{place}/{name}"], check=True, capture_output=True,
    )  # fmt: skip
