"""200 clients at once through all of Slipway's opening: the real web, then the real pump."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.terminals.client import storm
from benchmarks.terminals.line import Door, Slipway
from benchmarks.terminals.phases import STORM_CLIENTS, STORM_WITHIN_S
from benchmarks.terminals.servers import TOP, OurPump, free_port
from benchmarks.terminals.shells import TERMINALS_A_LAB
from webapp.lesson_format.library import load_library
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database
from webapp.models.people import Learner, remember_browser
from webapp.settings import read_settings
from webapp.visitors import LEARNER_COOKIE
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.terminals.client import Storm

LEARNERS = STORM_CLIENTS // TERMINALS_A_LAB
_READY_S = 30.0


def our_storms(folder: Path) -> list[Storm]:
    """They come within a second, leave, and as many more come."""
    port = free_port()
    environ = {
        "SLIPWAY_DATA": str(folder / "data"),
        "SLIPWAY_RUN": str(folder / "run"),
        "SLIPWAY_PORT": str(port),
        "SLIPWAY_DEMO": "false",
    }
    (folder / "data" / "web").mkdir(parents=True)
    cookies = _join(environ)
    with OurPump(folder / "run") as pump:
        terminals = [pump.shell() for _ in range(STORM_CLIENTS)]
        pump.serve_web()
        doors = [
            Door(
                port,
                f"/terminal/{terminal.replace('.', '/')}",
                Slipway,
                cookie=f"{LEARNER_COOKIE}={cookies[number // TERMINALS_A_LAB]}",
            )
            for number, terminal in enumerate(terminals)
        ]
        web = subprocess.Popen(
            [sys.executable, "-m", "webapp"],
            env={**os.environ, "PYTHONPATH": str(TOP), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(doors[-1])
            return [storm(doors, STORM_WITHIN_S) for _ in range(2)]
        finally:
            web.kill()
            web.wait()


def _join(environ: Mapping[str, str]) -> list[str]:
    """A workshop with its learners, as the database has them; their cookies."""
    settings = read_settings(environ)
    database = Database(settings.database)
    upgrade(database)
    library = load_library(settings.lessons)
    plan = Plan((next(iter(library.lessons)),), max_learners=LEARNERS)
    workshop = open_workshop(database, library, plan)
    cookies = []
    with database.write() as session:
        for number in range(LEARNERS):
            name = f"learner {number}"
            learner = Learner(workshop_id=workshop.id, name=name, name_key=name)
            learner.admitted_at = workshop.starts_at
            session.add(learner)
            session.flush()
            cookies.append(remember_browser(session, learner_id=learner.id))
    database.close()
    return cookies


def _wait_for(door: Door) -> None:
    """Until web listens and knows whose the terminals are."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            door.enter(door.knock()).close()
            return
        time.sleep(0.1)
    raise TimeoutError("the web opens no terminal")
