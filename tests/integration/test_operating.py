"""What a host does while a class goes on: watches the server, and saves what it keeps."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runtime import folders
from tests.browser.classroom import Classroom, a_classroom
from tests.conftest import TOP, slipway, whole_server
from tests.integration.people import Learner, Person, web_command
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.conftest import Server

ALWAYS = ("SELECT * FROM events", "SELECT id, public_id, name, attempt, joined_at FROM learners")


@pytest.fixture(scope="module")
def classroom() -> Iterator[Classroom]:
    """Where the class is played: beside other tests a browser is told of their links, too."""
    with a_classroom() as room:
        yield room


@pytest.fixture(scope="module")
def server(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """A whole server that the classroom reaches, and whoever watches it from here."""
    with whole_server(make_instance(), base_image, "--end-labs", host="0.0.0.0") as server:  # noqa: S104 - in a room, too
        yield server


@pytest.fixture(scope="module")
def code(server: Server) -> str:
    """Of a workshop with one place; who comes after that waits in line."""
    made = web_command(server, "workshop", "create", "--learners", "1", "--json")
    return str(json.loads(made)["code"])


@pytest.fixture(scope="module")
def ben(server: Server, code: str) -> Learner:
    return Learner(server, code, "ben")


def figures(server: Server) -> dict[tuple[str, str], float]:
    """What a watcher reads, by name and label."""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def readiness(server: Server) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=20) as answer:
            return answer.status, json.load(answer)["parts"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["parts"]


def rows(path: Path, question: str) -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
        return set(opened.execute(question).fetchall())


@pytest.mark.usefixtures("ben")
def test_a_watcher_reads_of_labs_terminals_and_every_process(server: Server) -> None:
    def has_counted() -> dict[tuple[str, str], float]:
        found = figures(server)
        starts = [
            found.get(("slipway_lab_start_seconds_count", kind), 0) for kind in ("cold", "warm")
        ]
        return found if sum(starts) >= 1 else {}

    found = wait_for(has_counted, "the start to be counted", deadline_s=30)
    assert found["slipway_labs", ""] == 1
    assert found["slipway_joins_total", ""] >= 1
    assert found["slipway_terminals", ""] >= 1
    assert found["slipway_terminal_bytes_total", "printed"] > 0
    seen = {name for metric, name in found if metric == "slipway_process_open_fds"}
    assert {"supervisor", "runtime", "web", "preview", "keeper"} <= seen
    assert any(name.startswith("pump") for name in seen)


def test_a_server_with_a_part_that_hangs_is_not_ready_and_says_which(server: Server) -> None:
    wait_for(lambda: readiness(server)[0] == 200, "a server that is ready", deadline_s=30)
    pids = [
        pid for name, pid in folders.processes(server.instance).items() if name.startswith("pump")
    ]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        status, parts = readiness(server)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert status == 503
    assert "carries terminals" in parts.pop("pump")
    assert set(parts.values()) == {"ok"}
    wait_for(lambda: readiness(server)[0] == 200, "a server that is ready", deadline_s=30)


@pytest.mark.usefixtures("ben")
def test_a_backup_while_learners_come_loses_nothing_that_was_answered(
    server: Server, code: str, make_instance: Callable[[], Instance], tmp_path: Path
) -> None:
    answered: list[str] = []
    is_over = threading.Event()

    def come() -> None:
        while not is_over.is_set():
            name = f"learner {len(answered)}"
            Person(server).send(f"/j/{code}", "/", code=code, name=name)
            answered.append(name)

    crowd = threading.Thread(target=come)
    crowd.start()
    try:
        wait_for(lambda: len(answered) > 5, "some who came", deadline_s=60)
        before = list(answered)
        saved = slipway("backup", "--data", server.instance.data_path, tmp_path / "saved.tar.gz")
    finally:
        is_over.set()
        crowd.join()
    assert saved.returncode == 0, saved.stderr
    other = make_instance()
    restored = slipway("restore", "--data", other.data_path, tmp_path / "saved.tar.gz")
    assert restored.returncode == 0, restored.stderr
    live, copy = (each.web_path / "slipway.db" for each in (server.instance, other))
    assert {(name,) for name in before} <= rows(copy, "SELECT name FROM learners")
    for question in ALWAYS:
        assert rows(copy, question) <= rows(live, question)
    assert (other.web_path / "key").read_bytes() == (server.instance.web_path / "key").read_bytes()
    assert "slipway/base" in restored.stdout


def test_a_class_is_played_to_its_end_without_an_error(
    server: Server, classroom: Classroom
) -> None:
    made = json.loads(web_command(server, "workshop", "create", "--learners", "4", "--json"))
    link = web_command(server, "person", "instructor", "add", "rehearsal").split()[0]
    public = made["page"].rpartition("/")[2]
    url = server.url.replace("0.0.0.0", classroom.near)  # noqa: S104 - as the room reaches it
    words = [f"--url={url}", f"--code={made['code']}", f"--workshop={public}"]
    words += [f"--link={link}", "--learners=2", "--rounds=1"]
    played = subprocess.run(
        [*classroom.within, sys.executable, "-m", "webapp.rehearsal", *words],
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    seen = json.loads(played.stdout)
    assert seen["errors"] == []
    assert (seen["joined"], seen["keystrokes"], seen["checks"]) == (2, 20, 2)
    assert seen["join_p99_s"] > seen["keystroke_p99_ms"] / 1000 > 0
    assert seen["browsers"] == 3  # two learners more, and the wall with all four
    assert seen["browser_join_s"] > seen["browser_answer_p99_ms"] / 1000 > 0


def test_nothing_is_put_into_the_place_of_a_server_that_runs(
    server: Server, tmp_path: Path
) -> None:
    refused = slipway("restore", "--data", server.instance.data_path, "--replace", tmp_path / "x")
    assert refused.returncode == 1
    assert "another server's" in refused.stderr
