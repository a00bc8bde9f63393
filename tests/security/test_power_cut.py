"""The power goes while a class joins: all processes at once, whatever they were at."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime import folders
from tests.conftest import Server, free_port, lend_image
from tests.integration.people import Learner, Person, web_command
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from runtime.image.store import Image
    from runtime.instance import Instance

DEADLINE_S = 60
JOINERS = 3
SMALL_DISK = 32 << 20  # so that a copy of the data folder is no matter of gigabytes
MOST_JOINED = 12


class Crowd:
    """People who join one after the other, until the server is gone.

    Attributes:
        answered: the names of those who were let in: their page came.
    """

    def __init__(self, server: Server, code: str) -> None:
        self.answered: list[str] = []
        self._server, self._code = server, code
        self._threads = [
            threading.Thread(target=self._come, args=(number,)) for number in range(JOINERS)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until nobody comes any more."""
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _come(self, number: int) -> None:
        with suppress(OSError, http.client.HTTPException):
            while True:
                name = f"learner {number} {len(self.answered)}"
                form = {"code": self._code, "name": name}
                Person(self._server).send(f"/j/{self._code}", "/", **form)
                self.answered.append(name)


def cut(server: Server) -> None:
    """End everything of a server, its labs among it, and let nobody clean up."""
    instance = server.instance
    marks = (str(instance.data_path), str(instance.run_path))
    pids = {*folders.processes(instance).values(), server.pid}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_lab = f"slipway-{instance.id}" in (path / "cgroup").read_text()
            command = (path / "cmdline").read_text(errors="replace")
            if is_lab or any(mark in command for mark in marks):
                pids.add(int(path.name))
    for pid in pids - {os.getpid()}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.stop(signal.SIGKILL)


def serve(instance: Instance) -> Server:
    port = free_port()
    words = ["up", "--data", str(instance.data_path), "--port", str(port), "--end-labs"]
    return Server(instance, *words, url=f"http://127.0.0.1:{port}")


def kept(instance: Instance) -> set[str]:
    path = instance.web_path / "slipway.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
        return {str(name) for (name,) in opened.execute("SELECT name FROM learners")}


def test_after_a_power_cut_it_begins_again_complete_and_says_what_it_mended(
    make_instance: Callable[[], Instance],
    base_image: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLIPWAY_LAB_MAX_DISK_BYTES", str(SMALL_DISK))
    instance, other = make_instance(), make_instance()
    lend_image(base_image, instance)
    server, copy = serve(instance), serve(other)
    when = random.randint(JOINERS, MOST_JOINED)  # noqa: S311 - a moment, no secret
    try:
        server.start()
        server.client.wait_ready(DEADLINE_S)
        made: dict[str, Any] = json.loads(web_command(server, "workshop", "create", "--json"))
        crowd = Crowd(server, made["code"])
        wait_for(lambda: len(crowd.answered) >= when, f"{when} who joined", DEADLINE_S)
        answered = set(crowd.answered)
        cut(server)
        crowd.wait()
        begun = {path.name for path in instance.labs_path.iterdir()}
        subprocess.run(
            ["cp", "-ax", "--sparse=always", instance.data_path, other.data_path], check=True
        )

        for again in (copy, server):  # another machine with this disk, and this one
            again.start()
            again.client.wait_ready(DEADLINE_S)
            assert answered <= kept(again.instance)
            said = again.log_path.read_text()
            assert [lab for lab in begun if f"lab.leftover_removed lab={lab}" not in said] == []
            web_command(again, "database", "check")
            assert Learner(again, made["code"], "somebody new").lab not in begun
    finally:
        server.close()
        copy.close()
