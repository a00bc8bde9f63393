"""The web's own commands: run as the web is, and told what its server was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runtime import folders
from tests.conftest import TOP, Server, free_port, lend_image
from tests.leftovers import leftovers_of

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance


def as_web(instance: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime", "as-web", f"--data={instance.data_path}", "--", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )


def owners(instance: Instance) -> set[int]:
    return {path.stat().st_uid for path in (instance.web_path, *instance.web_path.iterdir())}


def test_without_a_server_the_files_are_the_webs_and_nothing_stays(instance: Instance) -> None:
    made = as_web(instance, "person", "instructor", "add", "ada")
    assert made.returncode == 0, made.stderr
    assert "/welcome/" in made.stdout
    assert all(uid >= 0x40000000 for uid in owners(instance))
    assert leftovers_of(instance) == []


def test_a_command_keeps_the_folder_that_it_runs_from(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.folders._COMMAND_S", 0)
    used_fd = folders.use_run(instance)
    folders.remove_run(instance)  # as a runtime that was lent to the command before
    assert instance.run_path.is_dir()
    os.close(used_fd)
    folders.remove_run(instance)
    assert leftovers_of(instance) == []


def test_the_webs_nouns_take_the_data_folder_where_the_runtimes_do(instance: Instance) -> None:
    data = f"--data={instance.data_path}"
    words = ["workshop", "create", data, "--json", "--learners", "3"]
    made = subprocess.run(
        [sys.executable, "-m", "webapp.cli", *words],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["max_learners"] == 3
    assert (instance.web_path / "slipway.db").is_file()
    assert leftovers_of(instance) == []


@pytest.mark.parametrize(
    "words",
    ["lab list", "image list", "lesson test", "restart", "workshop create", "serve",
     "person instructor add", "person instructor reset", "audit list", "database upgrade"],
)  # fmt: skip
def test_each_noun_says_that_it_takes_the_data_folder(words: str) -> None:
    is_the_webs = words.startswith(("workshop", "person", "audit", "database"))
    half = "webapp.cli" if is_the_webs else "runtime.cli"
    said = subprocess.run(
        [sys.executable, "-m", half, *words.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )
    assert "--data" in said.stdout


def test_links_lead_to_the_running_server_and_its_settings_hold(
    instance: Instance, base_image: Image, tmp_path: Path
) -> None:
    lend_image(base_image, instance)
    config = tmp_path / "slipway.toml"
    config.write_text("demo = false\nmax_labs = 7")
    port = free_port()
    words = ["up", f"--data={instance.data_path}", f"--port={port}", f"--config={config}"]
    server = Server(instance, *words, url=f"http://127.0.0.1:{port}")
    server.start()
    try:
        made = as_web(instance, "workshop", "create", "--json")
        assert made.returncode == 0, made.stderr
        assert f"http://127.0.0.1:{port}/" in json.dumps(json.loads(made.stdout))
        assert (instance.run_path / "slipway.toml").read_text() == config.read_text()
        assert server.client.status()["max_labs"] == 7
    finally:
        server.close()
    assert leftovers_of(instance) == []


def test_the_commands_exit_code_is_ours(instance: Instance) -> None:
    assert as_web(instance, "workshop", "paint").returncode == 2
    assert leftovers_of(instance) == []
