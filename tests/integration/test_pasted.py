"""README's two commands and the checklist of docs/operating.md, pasted as they stand.

But for the class that is played: `test_operating.py` plays one. Data and ports are a test's own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.client import Client
from tests.conftest import TOP, free_port, lend_image
from tests.leftovers import leftovers_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance

START_S = 180
STOP_S = 60


def lines(page: str, heading: str) -> list[str]:
    """The commands of the first block below a heading, comments and all."""
    section = (TOP / page).read_text().partition(f"\n## {heading}\n")[2]
    block = re.search(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert block, heading
    return block[1].splitlines()


@contextmanager
def pasted(line: str, environ: Mapping[str, str], said: Path) -> Iterator[None]:
    """A server, as somebody starts it at a terminal and ends it by Ctrl-C."""
    with (
        said.open("wb") as out,
        subprocess.Popen(
            ["sh", "-c", line],
            cwd=TOP,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):

        def is_up() -> bool:
            assert process.poll() is None
            return is_ready(environ["SLIPWAY_PORT"]) and "/welcome/" in said.read_text()

        try:
            wait_for(is_up, line, deadline_s=START_S)
            yield
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            code = process.wait(STOP_S)
            sys.stderr.write(said.read_text())  # pytest shows it where the test failed
    assert code in {0, -signal.SIGINT}  # the shell ends by the key, too


def is_ready(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def run(line: str, environ: Mapping[str, str]) -> str:
    """One line at a shell; what it prints."""
    done = subprocess.run(
        ["sh", "-c", line], cwd=TOP, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_what_readme_and_the_checklist_say_can_be_pasted_and_works(
    instance: Instance, base_image: Image, tmp_path: Path
) -> None:
    lend_image(base_image, instance)
    environ = {
        **os.environ,
        "SLIPWAY_DATA": str(instance.data_path),
        "SLIPWAY_PORT": str(free_port()),
        "SLIPWAY_PREVIEW_PORT": "0",
    }
    alone, for_a_class = lines("README.md", "Two commands")
    with pasted(alone, environ, tmp_path / "alone"):
        for line in lines("docs/operating.md", "The evening before"):
            run(line.replace("/var/backups", str(tmp_path)), environ)
        assert len(list(tmp_path.glob("*.tar.gz"))) == 1
        assert re.search(r"[A-Z0-9]{3}-[A-Z0-9]{3}", run("./slipway workshop list", environ))
    with pasted(for_a_class, environ, tmp_path / "class"):
        run("./slipway restart web", environ)
        wait_for(lambda: is_ready(environ["SLIPWAY_PORT"]), "web", deadline_s=START_S)
        Client(instance.runtime_socket).wait_ready(START_S)
        run("./slipway lab list", environ)
        run("./slipway lab rm --all", environ)
    wait_for(lambda: leftovers_of(instance) == [], "nothing to be left", deadline_s=START_S)
