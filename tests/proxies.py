"""Debian's nginx and caddy as docs/operating.md sets them up, in front of a server of a test's."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conftest import TOP, free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "lab.school.example"
SECTION = "## A proxy in front\n"
CERTIFICATES = "/etc/ssl/slipway"
STOP_S = 30
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
{sites}
}}
"""
CADDY = """
{{
    admin off
    skip_install_trust
    auto_https disable_redirects
    default_bind {near}
    https_port {port}
    storage file_system {folder}
}}
{sites}
"""


@dataclass(frozen=True)
class Behind:
    """What stands behind a proxy: the ports of the web, and of previews."""

    web: int
    previews: int


@dataclass(frozen=True)
class Proxy:
    """One that runs.

    Attributes:
        near: the address that it listens at, from the classroom.
        port: in the place of 443.
        authority: the certificate of whoever signed its own.
    """

    near: str
    port: int
    authority: Path


def documented(first: str) -> str:
    """A block of the manual's section, by what its first line begins with."""
    section = (TOP / "docs" / "operating.md").read_text().partition(SECTION)[2]
    section = section.partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if block.startswith(first)]
    assert len(found) == 1, f"{len(found)} blocks begin with {first}"
    return str(found[0])


def settings() -> str:
    """What the manual says of /etc/slipway.toml."""
    return documented("host = ")


@contextmanager
def nginx(folder: Path, near: str, behind: Behind) -> Iterator[Proxy]:
    """Debian's nginx, with a certificate made as the manual says."""
    subprocess.run(
        ["sh", "-ec", documented("install ").replace(CERTIFICATES, str(folder))],
        check=True,
        capture_output=True,
    )
    port = free_port()
    sites = _pointed(documented("server {"), behind)
    sites = sites.replace("listen 443 ssl", f"listen {near}:{port} ssl")
    sites = sites.replace(CERTIFICATES, str(folder))
    with nginx_of(folder, sites, near, port):
        yield Proxy(near, port, folder / "authority.crt")


@contextmanager
def nginx_of(folder: Path, sites: str, near: str, port: int) -> Iterator[None]:
    """Debian's nginx with the sites that it reads, one of which listens there."""
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, sites=sites))
    argv = ["nginx", "-c", str(path), "-e", str(folder / "errors"), "-p", str(folder)]
    with _running(argv, folder, near, port):
        yield


@contextmanager
def caddy(folder: Path, near: str, behind: Behind) -> Iterator[Proxy]:
    """Debian's caddy, which is its own authority."""
    port = free_port()
    sites = _pointed(documented(NAME), behind)
    path = folder / "Caddyfile"
    path.write_text(CADDY.format(folder=folder, near=near, port=port, sites=sites))
    argv = ["caddy", "run", "--adapter", "caddyfile", "--config", str(path)]
    authority = folder / "pki/authorities/local/root.crt"
    with _running(argv, folder, near, port):
        wait_for(authority.exists, "caddy's authority")
        yield Proxy(near, port, authority)


def _pointed(text: str, behind: Behind) -> str:
    """The manual's file, leading to the test's ports in place of the usual ones."""
    for usual, port in ((8080, behind.web), (20100, behind.previews)):
        assert f"127.0.0.1:{usual}" in text
        text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}")
    return text


@contextmanager
def _running(argv: list[str], folder: Path, near: str, port: int) -> Iterator[None]:
    said = folder / "said"
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (
        said.open("wb") as log,
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ
        ) as process,
    ):
        try:
            wait_for(lambda: _listens(process, near, port, said), argv[0])
            yield
        finally:
            process.terminate()
            process.wait(STOP_S)


def _listens(process: subprocess.Popen[bytes], near: str, port: int, said: Path) -> bool:
    assert process.poll() is None, said.read_text()
    with socket.socket() as sock:
        return sock.connect_ex((near, port)) == 0
