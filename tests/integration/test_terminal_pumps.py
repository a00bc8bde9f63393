"""Several pumps in one server: terminals are spread over them, and each lives and dies alone."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem, pump_names, pump_of
from tests.conftest import Server, cli, whole_server
from tests.integration.people import Learner, open_workshop
from tests.integration.pump_harness import Browser, Stage
from tests.integration.test_terminal_alone import reconnected
from tests.waiting import wait_for
from webapp.terminals.client import Pumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

PUMPS = 2


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance],
    base_image: Image,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    config = tmp_path_factory.mktemp("config") / "slipway.toml"
    config.write_text(f"pumps = {PUMPS}")
    words = (f"--config={config}", "--end-labs")
    with whole_server(make_instance(), base_image, *words) as server:
        config.write_text("pumps = 1")  # for the next start of the whole server, and no sooner
        yield server


@pytest.fixture(scope="module")
def learners(server: Server) -> dict[str, Learner]:
    """Somebody of each pump, by its name."""
    code = str(open_workshop(server)["code"])
    found: dict[str, Learner] = {}
    for number in range(20):  # that all of them are one pump's happens once in half a million runs
        learner = Learner(server, code, f"ada{number}")
        found.setdefault(pump_of(f"{learner.lab}.1", PUMPS), learner)
        if len(found) == PUMPS:
            return found
    raise AssertionError(f"all labs are with {list(found)}")


def process_of(server: Server, pump: str) -> int:
    """The pump of that name; 0 while there is none."""
    for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"SLIPWAY_PUMP={pump}".encode() in environ:
            return int(pid)
    return 0


def terminal_of(learner: Learner, name: str = "1") -> Browser:
    path = f"/terminal/{learner.lab}/{name}"
    browser = wait_for(lambda: reconnected(learner, path), "the terminal", deadline_s=60)
    assert browser
    return browser


def answer_of(browser: Browser) -> bytes:
    """What the shell says now, and has never said before."""
    word = secrets.token_hex(4)
    browser.type(f"echo {word}-$((6 * 7))\r")
    browser.until_shows(f"{word}-42".encode())
    return f"{word}-42".encode()


def end_by_kill(server: Server, pump: str) -> None:
    pid = wait_for(lambda: process_of(server, pump), pump, deadline_s=60)
    assert pid  # 0 would be ourselves
    os.kill(pid, signal.SIGKILL)


def end_by_restart(server: Server, pump: str) -> None:
    restarted = cli(server, "restart", pump)
    assert restarted.returncode == 0, restarted.stderr


@pytest.mark.parametrize("end", [end_by_kill, end_by_restart])
@pytest.mark.parametrize("pump", pump_names(PUMPS))
def test_a_pump_that_ends_is_missed_by_its_own_terminals_only(
    server: Server,
    learners: dict[str, Learner],
    pump: str,
    end: Callable[[Server, str], None],
) -> None:
    browsers = {name: terminal_of(learner) for name, learner in learners.items()}
    said = {name: answer_of(browser) for name, browser in browsers.items()}
    old = process_of(server, pump)
    end(server, pump)
    mine = browsers.pop(pump)
    mine.until_closed()
    mine.close()
    for browser in browsers.values():
        answer_of(browser)
        browser.close()
    back = terminal_of(learners[pump])
    back.until_shows(said[pump])
    answer_of(back)
    back.close()
    assert process_of(server, pump) not in {0, old}


def test_a_runtime_that_restarts_spreads_terminals_as_before(
    server: Server, learners: dict[str, Learner]
) -> None:
    pumps = [process_of(server, name) for name in pump_names(PUMPS)]
    end_by_restart(server, "runtime")
    server.client.wait_ready(30)
    for learner in learners.values():
        second = server.client.terminal_open(learner.lab)["terminal"]
        browser = terminal_of(learner, second.partition(".")[2])
        answer_of(browser)
        browser.close()
    assert [process_of(server, name) for name in pump_names(PUMPS)] == pumps


def test_a_pump_that_is_not_there_is_refused_with_those_that_are(server: Server) -> None:
    refused = cli(server, "restart", "pump-7")
    assert refused.returncode == 1
    assert "pump-7" in refused.stderr
    assert "pump, pump-2, web" in refused.stderr


def test_a_pump_that_is_away_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    names = [f"{number:08x}.1" for number in range(16)]
    away = next(name for name in names if pump_of(name, PUMPS) == "pump")
    here = next(name for name in names if pump_of(name, PUMPS) == "pump-2")
    with closing(Stage(tmp_path)) as stage:
        stage.shell(here)
        browser = stage.browser(here, person="ada")
        browser.until_ready()
        (stage.run_path / "pump").rename(stage.run_path / "pump-2")
        pumps = Pumps(stage.run_path, PUMPS)
        with pytest.raises(Problem, match="away"):
            pumps.of(away).activity()
        with pytest.raises(Problem, match="away"):
            pumps.activity()
        assert [grant["person"] for grant in pumps.grants()] == ["ada"]
        pumps.withdraw(person="ada")
        browser.until_closed()
        assert browser.find("E") == [{"reason": "withdrawn"}]
        assert [each["terminal"] for each in pumps.of(here).activity()] == [here]
