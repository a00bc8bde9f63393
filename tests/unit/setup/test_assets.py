"""Front-end packages: from a registry on this machine, verified, whole or absent."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).resolve().parents[3]


def tarball(files: dict[str, str]) -> bytes:
    """A package as npm packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


class Registry:
    """Two packages, `good` and `@scope/other`, and a checkout whose lock file names them."""

    def __init__(self, checkout: Path) -> None:
        self.answers: dict[str, bytes] = {}
        self.checkout = checkout
        handler = type("Handler", (_Handler,), {"answers": self.answers})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        shutil.copytree(TOP / "setup", checkout / "setup")
        wanted = {
            "good": {"folder": "good", "files": ["a.js", "lib/*.js"]},
            "@scope/other": {"folder": "other", "files": ["b.css"]},
        }
        (checkout / "setup/vendor.json").write_text(json.dumps(wanted))
        good = tarball({"a.js": "1", "lib/c.js": "2", "left-out.js": "3", "../../evil": "4"})
        self.publish("good", good)
        self.publish("@scope/other", tarball({"b.css": "5"}))
        packages = {
            "": {},
            "node_modules/good": {"version": "1.0.0", "integrity": integrity(good)},
            "node_modules/@scope/other": {
                "version": "1.0.0",
                "integrity": integrity(self.answers["/@scope/other.tgz"]),
            },
        }
        (checkout / "package-lock.json").write_text(json.dumps({"packages": packages}))

    def publish(self, name: str, content: bytes) -> None:
        """Offer a package, under the address that npm asks for."""
        dist = {"dist": {"tarball": f"{self.url}/{name}.tgz"}}
        document = json.dumps({"versions": {"1.0.0": dist}}).encode()
        self.answers[f"/{name.replace('/', '%2F')}"] = document
        self.answers[f"/{name}.tgz"] = content

    def fetch(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run the script as the launcher does, which says nothing of Python's path by then."""
        without_our_path = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        return subprocess.run(
            ["/usr/bin/python3", "setup/assets.py", *flags],
            cwd=self.checkout,
            env={**without_our_path, "npm_config_registry": self.url, "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> set[str]:
        """What lies in static/vendor, without the stamps."""
        vendor = self.checkout / "static/vendor"
        found = (str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file())
        return {name for name in found if not name.endswith(".fetched")}


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: dict[str, bytes]

    def do_GET(self) -> None:
        content = self.answers.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path)
    thread = threading.Thread(target=registry.server.serve_forever)
    thread.start()
    yield registry
    registry.server.shutdown()
    thread.join()
    registry.server.server_close()


def test_only_the_files_that_are_named_arrive(registry: Registry) -> None:
    assert registry.fetch().returncode == 0
    assert registry.files() == {"good/a.js", "good/lib/c.js", "other/b.css"}
    assert not (registry.checkout / "evil").exists()


def test_a_second_run_asks_nobody(registry: Registry) -> None:
    registry.fetch()
    registry.answers.clear()
    assert registry.fetch().returncode == 0
    assert registry.fetch("--check").returncode == 0


def test_content_that_the_lock_file_does_not_know_is_refused(registry: Registry) -> None:
    registry.publish("good", tarball({"a.js": "something else", "lib/c.js": "2"}))
    done = registry.fetch()
    assert done.returncode == 1
    assert "good 1.0.0 is not what package-lock.json records" in done.stderr
    assert registry.files() == {"other/b.css"}


def test_after_a_failure_what_was_fetched_stays_and_the_rest_follows(registry: Registry) -> None:
    kept = registry.answers.pop("/@scope/other.tgz")
    done = registry.fetch()
    assert done.returncode == 1
    assert "What was fetched stays" in done.stderr
    assert registry.fetch("--check").returncode == 1
    registry.answers["/@scope/other.tgz"] = kept
    del registry.answers["/good.tgz"]
    assert registry.fetch().returncode == 0


def test_a_new_version_in_the_lock_file_is_fetched(registry: Registry) -> None:
    registry.fetch()
    lock = registry.checkout / "package-lock.json"
    newer = tarball({"b.css": "6"})
    registry.publish("@scope/other", newer)
    raw = json.loads(lock.read_text())
    raw["packages"]["node_modules/@scope/other"]["integrity"] = integrity(newer)
    lock.write_text(json.dumps(raw))
    assert registry.fetch().returncode == 0
    assert (registry.checkout / "static/vendor/other/b.css").read_text() == "6"
