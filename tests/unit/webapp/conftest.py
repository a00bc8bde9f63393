"""A web application with a database of its own, and an engine in memory.

The engine stands in where the runtime isn't the point: it can be full or away on demand, which the
real one can't. Joining and ending with real labs is in tests/integration.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import shutil
import tarfile
import time
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from jinja2 import FileSystemBytecodeCache

from tests.waiting import wait_for_threads
from webapp import create_app
from webapp.lesson_format.library import Library, load_library
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database
from webapp.models.people import Role, remember_browser
from webapp.problems import Problem
from webapp.settings import Settings, read_settings
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.teaching import add_person, person_called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

PASSWORD = "four words in a row"  # noqa: S105 -- of nobody
QUICK = functools.partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = QUICK().hash(PASSWORD)


class MemoryEngine:
    """Labs that are only remembered.

    Attributes:
        room: how many more labs there is room for.
        is_away: nothing answers.
        images: what labs can be made from.
        spent: processor seconds of each lab.
        stock: the images that there are.
        told: what was asked for of images.
        timed: labs whose container's cold start is known.
        planned: what the planner started, or was asked for in vain.
        fitting: how many machines it starts.
        is_cut_off: whoever asks for commands in a lab is killed before they end.
        viewed, running: which labs were looked at, a call each; and their processes.
        warned: labs whose learners were told that they end, with idle and left seconds.
    """

    def __init__(self) -> None:
        self.labs: dict[str, dict[str, Any]] = {}
        self.room = 100
        self.is_away = False
        self.images = ["slipway/base"]
        self.asked: list[Mapping[str, Any]] = []
        self.extended: dict[str, float] = {}
        self.wanted: list[Mapping[str, Any]] = []
        self.spent: dict[str, float] = {}
        self.warned: list[tuple[str, int, int]] = []
        self.allowed: list[tuple[str, tuple[str, ...]]] = []
        self.stock: dict[str, Any] = {
            "images": [],
            "fetches": [],
            "needed": {},
            "store_bytes": 0,
            "store_most_bytes": 1 << 30,
            "mirror": "",
        }
        self.findings: list[dict[str, str]] = []
        self.told: list[tuple[str, ...]] = []
        self.booted: list[str] = []
        self.timed: list[str] = []
        self.planned: list[str] = []
        self.fitting = 3
        self.machine = {"state": "ready", "sentence": ""}
        self.prepared: list[tuple[str, str, str]] = []
        self.viewed: list[dict[str, list[str]]] = []
        self.running: dict[str, list[object]] = {}
        self.is_late = self.is_cut_off = False
        self._ids = itertools.count(0xA0)

    def status(self) -> dict[str, Any]:
        self._answer()
        room = {
            "version": "0.1",
            "warnings": [],
            "max_labs": 100,
            "pool": [{"count": 2, "ready": 1}],
        }
        return {"ready": True, "labs": len(self.labs), "images": self.images, **room}

    def server_figures(self) -> dict[str, Any]:
        self._answer()
        cost = {"cpu_seconds": 1.5, "memory_bytes": 9 << 20, "threads": 2, "descriptors": 7}
        return {
            "processes": [{"name": "runtime", "pid": 1, "started_at": 1e9, **cost}],
            "disk": {"bytes": 2 << 30, "free_bytes": 1 << 30},
            "memory": {"bytes": 4 << 30, "available_bytes": 3 << 30},
        }

    def server_doctor(self, older_than: float = 0.0) -> dict[str, Any]:
        self._answer()
        self.told.append(("doctor", str(older_than > 0)))
        return {"at": time.time() - 30, "ready": True, "findings": self.findings}

    def lab_create(self, *, key: str, **args: object) -> dict[str, Any]:
        self._answer()
        self.asked.append({"key": key, **args})
        if key in self.labs and self.labs[key]["lab"] == args.get("replaces"):
            self.lab_remove(self.labs[key]["lab"])
        if key not in self.labs:
            if self.room <= 0:
                raise Problem("server-full", "The server is full.")
            self.room -= 1
            lab = f"{next(self._ids):08x}"
            self.labs[key] = {"lab": lab, "key": key, "terminals": [], **args}
        return self.labs[key]

    def lab_get(self, lab: str) -> dict[str, Any]:
        found = next(each for each in self.labs.values() if each["lab"] == lab)
        machine = {"lab": lab, **self.machine} if lab in self.booted else None
        return {**found, "machine": machine}

    def lab_list(self) -> list[dict[str, Any]]:
        self._answer()
        return list(self.labs.values())

    def lab_remove(self, lab: str) -> None:
        self._answer()
        gone = [key for key, each in self.labs.items() if each["lab"] == lab]
        for key in gone:
            del self.labs[key]
            self.room += 1

    def lab_extend(self, lab: str, until: float) -> dict[str, Any]:
        found = self.lab_get(lab)
        found["until"] = self.extended[found["key"]] = until
        return found

    def lab_pause(self, lab: str, *, is_paused: bool) -> dict[str, Any]:
        self._answer()
        found = next(each for each in self.labs.values() if each["lab"] == lab)
        found["is_paused"] = is_paused
        return found

    def lab_prepare(
        self,
        lab: str,
        script: str,
        timeout_s: float = 60,
        *,
        where: str = "container",
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        self._answer()
        assert 1 <= timeout_s <= 300
        is_cut_off = self.is_cut_off  # who waits for `prepared` goes on to the next web at once
        self.prepared.append((lab, script, where))
        if is_cut_off:
            raise SystemExit
        if told:
            told({"done": 1})
        return {"code": 0, "is_over": self.is_late}

    def lab_changes(self, lab: str, fd: int) -> None:
        self._answer()
        os.write(fd, f"packed {lab}".encode())

    def lab_put(self, lab: str, name: str, fd: int) -> int:
        self._answer()
        self.told.append(("put", lab, name, os.pread(fd, 1 << 20, 0).decode()))
        return 1 if name == "no room" else 0

    def lab_check(
        self,
        lab: str,
        script: str,
        facts: Mapping[str, Any] | None = None,
        timeout_s: float = 10,
        *,
        where: str = "container",
    ) -> dict[str, Any]:
        raise NotImplementedError

    def machine_boot(self, lab: str, how: str, *, rows: int, cols: int) -> dict[str, Any]:
        self._answer()
        self.booted.append(lab)
        facts = {"how": how, "rows": rows, "cols": cols, "terminal": None, "sentence": ""}
        return {"lab": lab, "state": "queued", **facts}

    def machine_end(self, lab: str, *, force: bool = False) -> dict[str, Any]:
        raise NotImplementedError

    def meter_read(self, lab: str) -> dict[str, Any]:
        return {"container": {"starts": {"cold": {"ms": 200.0} if lab in self.timed else None}}}

    def meter_all(self, labs: Sequence[str]) -> dict[str, dict[str, Any]]:
        self._answer()
        return {
            lab: {
                "cores": 2,
                "container": {"cpu_seconds": self.spent.get(lab, 0.0), "cpu_cores": 1.0},
                "machine": None,
            }
            for lab in labs
        }

    def lab_allow(self, lab: str, names: Sequence[str]) -> None:
        self._answer()
        self.allowed.append((lab, tuple(names)))

    def lab_warn(self, lab: str, *, idle_s: int, left_s: int) -> None:
        self._answer()
        self.warned.append((lab, idle_s, left_s))

    def meter_start(self, lab: str) -> dict[str, Any]:
        self._answer()
        self.timed.append(lab)
        return {"ms": 200.0}

    def meter_isolation(self, lab: str) -> dict[str, Any]:
        raise NotImplementedError

    def work_start(self, lab: str, work: str) -> dict[str, Any]:
        raise NotImplementedError

    def work_stop(self, lab: str) -> None:
        raise NotImplementedError

    def plan_read(self, lab: str) -> dict[str, Any]:
        raise NotImplementedError

    def plan_more(self, lab: str, kind: str) -> dict[str, Any]:
        self._answer()
        self.planned.append(kind)
        is_no = kind == "machine" and self.planned.count(kind) > self.fitting
        return {"lab": lab, "refused": {"kind": kind} if is_no else None}

    def plan_less(self, lab: str) -> dict[str, Any]:
        raise NotImplementedError

    def lab_processes(self, lab: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def lab_views(self, **labs: Sequence[str]) -> dict[str, dict[str, Any]]:
        self._answer()
        self.viewed.append({view: list(of) for view, of in labs.items()})
        names = ("memory_bytes", "memory_limit_bytes", "pids", "pids_limit")
        spends = {**dict.fromkeys(names, 1), "cpu_seconds": 0.0, "cpu_cores": 1.0}
        return {
            "usage": dict.fromkeys(labs.get("usage", ()), spends),
            "processes": {lab: self.running.get(lab, []) for lab in labs.get("processes", ())},
            "plan": {lab: {"at": time.time(), "mine": {}} for lab in labs.get("plan", ())},
        }

    def lab_engine(self, lab: str, what: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def lab_walls(self, lab: str) -> dict[str, Any]:
        raise NotImplementedError

    def terminal_open(
        self, lab: str, name: str | None = None, *, rows: int = 24, cols: int = 80
    ) -> dict[str, Any]:
        raise NotImplementedError

    def terminal_close(self, terminal: str) -> None:
        raise NotImplementedError

    def pool_want(self, shapes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        self._answer()
        self.wanted = list(shapes)
        return {"pool": len(shapes)}

    def image_stock(self, needs: Sequence[str] = ()) -> dict[str, Any]:
        self._answer()
        self.told.append(("stock", *needs))
        return self.stock

    def image_layers(self, name: str) -> list[dict[str, Any]]:
        self._answer()
        return [{"step": f"FROM {name}", "size_bytes": 3 << 20, "shared_by": ["other:1"]}]

    def image_fetch(self, name: str, user: str = "", password: str = "") -> dict[str, Any]:
        self._answer()
        if name != name.lower():
            raise Problem("image-reference", f"“{name}” can't be an image's name.", "Write it so.")
        self.told.append(("fetch", name, user, password))
        return {"name": name, "state": "waiting"}

    def image_load(self, fd: int, name: str, called: str) -> dict[str, Any]:
        self._answer()
        self.told.append(("load", os.pread(fd, 100, 0).decode(), name, called))
        return {"name": name, "state": "waiting"}

    def image_make(self, fd: int, name: str) -> dict[str, Any]:
        self._answer()
        os.lseek(fd, 0, os.SEEK_SET)
        with os.fdopen(os.dup(fd), "rb") as file, tarfile.open(fileobj=file) as members:
            names = [each.name.removeprefix("./") for each in members if each.isfile()]
        self.told.append(("make", name, *sorted(names)))
        return {"name": f"localhost/{name}:latest", "state": "waiting"}

    def image_stop(self, name: str) -> None:
        self._answer()
        self.told.append(("stop", name))

    def image_remove(self, name: str) -> int:
        self._answer()
        self.told.append(("remove", name))
        return 0

    def image_sweep(self) -> int:
        self._answer()
        self.told.append(("sweep",))
        return 0

    def events(self, cursor: int = 0) -> Iterator[dict[str, Any]]:
        raise NotImplementedError

    def _answer(self) -> None:
        if self.is_away:
            raise Problem("runtime-away", "The runtime is away.", "It comes back by itself.")


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"SLIPWAY_DATA": str(tmp_path), "SLIPWAY_RUN": str(tmp_path)})


# What is the same for each application is made once, and passwords cost little: most of a test's
# time would go into reading the lessons, making the tables, compiling the pages and hashing.
read_once = functools.cache(load_library)


def library_of(folder: Path) -> Library:
    """The lessons of a folder, in a library that a test may empty."""
    found = read_once(folder)
    return Library(dict(found.lessons), dict(found.faults))


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database that has its tables, and nobody in them."""
    path = tmp_path_factory.mktemp("database") / "slipway.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """The pages that were compiled already."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("compiled")))


@pytest.fixture
def app(
    settings: Settings,
    engine: MemoryEngine,
    new_database: Path,
    compiled: FileSystemBytecodeCache,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    monkeypatch.setattr("webapp.wiring.load_library", library_of)
    monkeypatch.setattr("webapp.passwords.PasswordHasher", QUICK)
    settings.require_writable()
    shutil.copyfile(new_database, settings.web_path / "slipway.db")
    app = create_app(settings, engine=engine)
    app.jinja_env.bytecode_cache = compiled
    app.testing = True
    wiring: Wiring = app.extensions["slipway"]
    begin, seating = wiring.socketio.start_background_task, []

    def remember(target: Callable[..., None], *args: object) -> object:
        task = begin(target, *args)
        if target.__name__ in {"seat", "_settle", "bring"}:  # they read the database
            seating.append(task)
        return task

    monkeypatch.setattr(wiring.socketio, "start_background_task", remember)
    yield app
    for task in seating:
        task.join(5)
    wait_for_threads("line")  # it does, too
    wiring.database.close()


@pytest.fixture
def parts(app: Flask) -> Wiring:
    wiring: Wiring = app.extensions["slipway"]
    return wiring


class Browser:
    """Somebody's browser: it keeps its cookies, and sends a form's token back with the form."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self._token = ""  # goes with a cookie of this browser's, so it is good for all its forms

    def get(self, url: str, **more: str | Mapping[str, str]) -> TestResponse:
        return self.client.get(url, **more)

    def post(
        self, url: str, form: Mapping[str, Any] | None = None, **more: str | Mapping[str, str]
    ) -> TestResponse:
        if not self._token:
            page = self.client.get("/sign-in", follow_redirects=True).text
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert found
            self._token = found[1]
        return self.client.post(url, data={**(form or {}), "csrf_token": self._token}, **more)

    def join(self, code: str, name: str, **more: str) -> TestResponse:
        return self.post("/", {"code": code, "name": name, **more})


@pytest.fixture
def open_browser(app: Flask) -> Callable[[], Browser]:
    return lambda: Browser(app)


@pytest.fixture
def ben(app: Flask) -> Browser:
    """Ben learns in ada's workshop."""
    return Browser(app)


@pytest.fixture
def chi(app: Flask) -> Browser:
    """Chi learns in ada's workshop, too."""
    return Browser(app)


@pytest.fixture
def ada(app: Flask, parts: Wiring) -> Browser:
    """Ada teaches, and is signed in."""
    return _teacher(app, parts, "ada")


@pytest.fixture
def mallory(app: Flask, parts: Wiring) -> Browser:
    """Mallory teaches elsewhere, and is signed in."""
    return _teacher(app, parts, "mallory")


@pytest.fixture
def workshop(ada: Browser, parts: Wiring) -> Workshop:  # noqa: ARG001 -- ada must be there
    """Ada's workshop: two places."""
    plan = Plan(("00-your-terminal", "02-what-is-a-container"), max_learners=2)
    with parts.database.read() as session:
        person = person_called(session, "ada")
        assert person
    return open_workshop(parts.database, parts.library, plan, person.id)


@pytest.fixture
def sign_in(app: Flask, parts: Wiring) -> Callable[[str, str], Browser]:
    """Adds somebody of a role; gives a browser at which they are signed in."""
    return lambda name, role: _teacher(app, parts, name, role)


def _teacher(app: Flask, parts: Wiring, name: str, role: str = Role.INSTRUCTOR) -> Browser:
    add_person(parts.database, name, role)
    with parts.database.write() as session:
        person = person_called(session, name)
        assert person
        person.password_hash = PASSWORD_HASH
        cookie = remember_browser(session, person_id=person.id)
    browser = Browser(app)
    browser.client.set_cookie("slipway_person", cookie)
    return browser
