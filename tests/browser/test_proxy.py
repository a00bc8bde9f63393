"""A class by https: a real browser through Debian's nginx and caddy, as docs/operating.md says."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from runtime import folders
from tests import proxies
from tests.browser.conftest import FLAGS, SCREEN_READER
from tests.browser.screens import SLOW_MS, Joined, join
from tests.browser.test_preview import PORT, SERVE, show
from tests.conftest import Server, whole_server
from tests.proxies import NAME, Behind, Proxy
from webapp.preview.address import HERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Playwright

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.browser.classroom import Classroom
    from tests.browser.conftest import WebCommand

DEADLINE_S = 30
URL = f"https://{NAME}"
PREVIEWS = "preview.school.example"


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance],
    base_image: Image,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server with the manual's settings: on 127.0.0.1 alone, behind one proxy."""
    config = tmp_path_factory.mktemp("settings") / "slipway.toml"
    config.write_text(proxies.settings())
    words = (f"--config={config}", "--end-labs")
    with whole_server(make_instance(), base_image, *words) as server:
        yield server


@pytest.fixture(scope="module")
def workshop(web_command: WebCommand) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(web_command("workshop", "create", "--json"))
    return made


@pytest.fixture(scope="module", params=[proxies.nginx, proxies.caddy], ids=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest,
    server: Server,
    classroom: Classroom,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    pid = folders.processes(server.instance)["preview"]
    told = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    environ = dict(each.partition("=")[::2] for each in told)
    behind = Behind(int(server.url.rpartition(":")[2]), int(environ["SLIPWAY_PREVIEW_PORT"]))
    folder = tmp_path_factory.mktemp("proxy")
    with request.param(folder, classroom.near, behind) as running:
        yield running


def status_of(proxy: Proxy, name: str, path: str, **headers: str) -> int:
    """Ask by https, with the classroom's authority as the only one that is believed."""
    trust = ssl.create_default_context(cafile=str(proxy.authority))
    with socket.create_connection((proxy.near, proxy.port), timeout=DEADLINE_S) as plain:
        connection = http.client.HTTPSConnection(name, context=trust)
        connection.sock = trust.wrap_socket(plain, server_hostname=name)
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
        connection.close()
    return status


@pytest.fixture(scope="module")
def browser(
    proxy: Proxy,
    playwright: Playwright,
    classroom: Classroom,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """One on a computer where names lead to the proxy, and where its authority is installed."""
    home = tmp_path_factory.mktemp("home")
    trusted = home / ".pki" / "nssdb"
    trusted.mkdir(parents=True)
    place = ["-d", f"sql:{trusted}"]
    install = ["-A", "-n", "classroom", "-t", "C,,", "-i", str(proxy.authority)]
    for words in (["-N", "--empty-password"], install):
        subprocess.run(["certutil", *place, *words], check=True)
    names = f"--host-resolver-rules=MAP *.school.example {proxy.near}:{proxy.port}"
    running = playwright.chromium.launch(
        executable_path=classroom.browser(home),
        args=[*FLAGS, names],
        env={**os.environ, "HOME": str(home)},
    )
    yield running
    running.close()


def test_a_learner_works_through_each_documented_proxy(
    browser: Browser, proxy: Proxy, workshop: dict[str, Any]
) -> None:
    context = browser.new_context(base_url=URL, locale="en-GB")
    context.set_default_timeout(SLOW_MS)
    context.add_init_script(SCREEN_READER)
    sockets: list[str] = []
    page = context.new_page()
    page.on("websocket", lambda opened: sockets.append(opened.url))
    ben: Joined = join(page, workshop["code"], f"Ben {proxy.port}")  # a class of both proxies
    assert ben.terminal.ask("echo $((6 * 7))") == "42"
    expect(page.locator(".term-strip__status")).to_contain_text("Connected")
    expect(page.locator(".term-strip__status")).not_to_contain_text("slower")  # as by polling
    assert {url.split("/")[3] for url in sockets} == {"socket.io", "terminal"}
    assert all(url.startswith(f"wss://{NAME}/") for url in sockets)
    assert all(cookie["secure"] for cookie in context.cookies() if "slipway" in cookie["name"])

    ben.terminal.type(SERVE.format("one", "Mine", PORT))
    show(page, PORT)
    frame = page.frame_locator(f"iframe[title$='port {PORT}']")
    expect(frame.get_by_role("heading", name="Mine")).to_be_visible(timeout=SLOW_MS)
    addresses = [each.url for each in page.frames if PREVIEWS in each.url]
    assert addresses[0].startswith(f"https://{PORT}-")
    # Services that don't hear of the proxy make absolute links without TLS.
    shown = next(each for each in page.frames if PREVIEWS in each.url)
    link = "`http://${location.host}/next`"
    assert shown.evaluate(f"fetch({link}).then(answer => answer.status)") == 404
    shown.evaluate(f"location.assign({link})")
    expect(frame.get_by_text("File not found")).to_be_visible(timeout=SLOW_MS)

    page.goto("/network")
    expect(page.get_by_text("Websockets pass.")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Previews are reached.")).to_be_visible(timeout=SLOW_MS)
    context.close()
    # Who comes by it can't say where they come from, nor read what is for this machine.
    assert status_of(proxy, NAME, "/metrics", **{"X-Forwarded-For": "127.0.0.1"}) == 403
    assert status_of(proxy, f"check.{PREVIEWS}", HERE) == 204
