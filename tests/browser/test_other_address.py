"""A classroom's address: plain http from another machine, where browsers allow less."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM, FLAGS, SCREEN_READER, watched
from tests.browser.screens import SLOW_MS, join
from tests.conftest import Server, free_port, lend_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page, Playwright

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.browser.conftest import WebCommand

NEAR, FAR = "198.51.100.1", "198.51.100.2"  # RFC 5737: nobody's


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture(scope="module")
def classroom() -> Iterator[str]:
    """A network namespace with one cable to this one: the learner's computer."""
    name = f"slip-class-{os.getpid()}"
    near, far = f"sc{os.getpid() % 100000}a", f"sc{os.getpid() % 100000}b"
    ip("netns", "add", name)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("address", "add", f"{NEAR}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "address", "add", f"{FAR}/30", "dev", far)
        ip("-n", name, "link", "set", far, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "delete", name)


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance], base_image: Image, classroom: str
) -> Iterator[Server]:
    """A whole server that listens at the near end of the classroom's cable."""
    assert classroom
    instance = make_instance()
    lend_image(base_image, instance)
    port = free_port()
    words = ["up", "--data", str(instance.data_path), "--host", NEAR, "--port", str(port)]
    server = Server(instance, *words, "--end-labs", url=f"http://{NEAR}:{port}")
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def learner(
    playwright: Playwright, server: Server, classroom: str, tmp_path: Path
) -> Iterator[Page]:
    """A page in a Chromium that runs in the classroom."""
    there = tmp_path / "chromium"
    there.write_text(f'#!/bin/sh\nexec ip netns exec {classroom} {CHROMIUM} "$@"\n')
    there.chmod(0o755)
    complaints: list[str] = []
    browser = playwright.chromium.launch(executable_path=str(there), args=FLAGS)
    context = browser.new_context(base_url=server.url)
    context.set_default_timeout(SLOW_MS)
    context.add_init_script(SCREEN_READER)
    yield watched(context.new_page(), complaints)
    browser.close()
    assert complaints == []


def test_the_first_lesson_passes_at_a_plain_http_address(
    learner: Page, web_command: WebCommand
) -> None:
    made = web_command("workshop", "create", "--lessons", "00-your-terminal")
    code = made.split()[1]
    ben = join(learner, code, "Ben")
    assert not ben.page.evaluate("isSecureContext")

    ben.page.get_by_role("button", name="Copy: whoami").click()
    expect(ben.page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    ben.terminal.enter()
    ben.page.keyboard.press("Control+v")
    ben.page.keyboard.press("Enter")
    ben.terminal.wait_for("^learner$")
    expect(ben.check()).to_have_attribute("data-state", "passed")

    ben.onward()
    ben.terminal.type("sleep 1000")
    ben.terminal.wait_for("sleep 1000$")
    ben.page.keyboard.press("Control+c")
    ben.terminal.wait_prompt()
    ben.terminal.type("less /etc/services")
    ben.terminal.wait_for("^# Network services")
    ben.page.keyboard.press("q")
    ben.terminal.wait_prompt()
    expect(ben.check()).to_have_attribute("data-state", "passed")

    ben.onward()
    ben.terminal.run("date")
    ben.terminal.run("date")
    expect(ben.check()).to_have_attribute("data-state", "passed")

    ben.onward()
    ben.terminal.run("echo hello > ~/note")
    expect(ben.check()).to_have_attribute("data-state", "passed")
    ben.page.reload()
    ben.terminal.wait_prompt()
    assert "hello" in ben.terminal.run("cat ~/note")
