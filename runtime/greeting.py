"""What a person reads when the server is ready: where it is, and how to begin."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import click

from runtime import folders
from runtime.client import Client
from runtime.instance import Instance
from runtime.launch import spawn
from runtime.problems import Problem
from runtime.reached import from_here, is_everywhere
from runtime.rows import Plan

if TYPE_CHECKING:
    from runtime.settings import Settings

READY_TIMEOUT_S = 120.0
_AGAIN_S = 0.1
_LEAST_S = 1.0


GOODBYE = "  Ctrl-C stops the server; labs that live go on, and the next start adopts them."


def greet(settings: Settings, goodbye: str = GOODBYE) -> None:
    """Wait until pages and labs can be had, then say so; a Problem is said in its place.

    Args:
        settings: where the server listens.
        goodbye: the last line, on how it ends.
    """
    instance = Instance.at(settings.data)
    Client(instance.runtime_socket).wait_ready(READY_TIMEOUT_S)
    address = from_here(settings.host, settings.port)
    wait_well(address, READY_TIMEOUT_S)
    plan = Plan(instance, settings, None, folders.uids(instance))
    for line in [*lines(settings, address, _ask_web(plan)), goodbye]:
        click.echo(line)


def wait_well(address: str, timeout_s: float) -> None:
    """Wait until the web says that pages and labs can be had.

    On a busy machine it may say first that the runtime doesn't answer it in time.

    Raises:
        Problem: `greeting-failed`, when the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = max(_LEAST_S, deadline - time.monotonic())
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=left_s):  # noqa: S310 - http
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise Problem("greeting-failed", f"The web isn't well: {error}.") from error
        time.sleep(_AGAIN_S)


def lines(settings: Settings, address: str, facts: dict[str, Any]) -> list[str]:
    """The greeting.

    Args:
        settings: where the server listens.
        address: how a browser on this machine reaches it.
        facts: what the web says: `url`, `instructor_link`, `demo_code` and `demo_note`; each may be
            missing.
    """
    url = str(facts.get("url") or address)
    said = ["", f"Slipway is ready: {url}"]
    is_shut = not is_everywhere(settings.host)
    if is_shut and not url.startswith("https:"):  # else a proxy lets a class in
        said.append(f"  Only {settings.host} is served. To let a class in: --host 0.0.0.0")
    if link := facts.get("instructor_link"):
        said.append(f"  First instructor, once: {link}")
    if code := facts.get("demo_code"):
        said.append(f"  Demo workshop, code:    {code}")
    if note := facts.get("demo_note"):
        said.append(f"    {note}")
    return said


def _ask_web(plan: Plan) -> dict[str, Any]:
    pid, output_fd = spawn(plan.web_noun(("greet", "--json")))
    with os.fdopen(output_fd) as output:
        text = output.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise Problem("greeting-failed", f"The web could not make its links: {text.strip()[-300:]}")
    found: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return found
