"""How a server starts, how it stops, and what it says when it can't."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import TOP, Server, free_port, lend_image
from tests.leftovers import leftovers_of, lives
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance


def up(*words: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to refuse."""
    return subprocess.run(
        [sys.executable, "-m", "runtime", "up", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )


def refusal(finished: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a start that failed, hint and all."""
    assert finished.returncode == 1, finished.stderr
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    return lines[0]


@contextmanager
def serving(instance: Instance, image: Image, *words: str) -> Iterator[Server]:
    if not instance.images_path.exists():
        lend_image(image, instance)
    port = free_port()
    argv = ["up", "--data", str(instance.data_path), "--port", str(port), *words]
    server = Server(instance, *argv, url=f"http://127.0.0.1:{port}")
    server.start()
    try:
        yield server
    finally:
        server.close()


def make_lab(server: Server, key: str = "k") -> dict[str, Any]:
    server.client.wait_ready(30)
    return server.client.lab_create(key=key, image="slipway/base", until=time.time() + 600)


def end_labs(instance: Instance) -> None:
    """What a person types when no server runs any more."""
    subprocess.run(
        [sys.executable, "-m", "runtime.cli", "lab", "rm", f"--data={instance.data_path}", "--all"],
        check=True,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )


def test_a_port_in_use_is_said_in_one_sentence(instance: Instance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refusal(up("--data", str(instance.data_path), "--port", str(port)))
    assert said.startswith(f"Port {port} is in use by another program. Choose another with --port")
    assert leftovers_of(instance) == []


def test_an_address_of_another_machine_is_refused(instance: Instance) -> None:
    said = refusal(up("--data", str(instance.data_path), "--host", "192.0.2.1", "--port", "0"))
    assert said.startswith("This machine can't listen on 192.0.2.1")


def test_a_data_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refusal(up("--data", str(tmp_path / "file" / "data"), "--port", "0"))
    assert said.startswith(
        f"The data folder {tmp_path}/file/data can't be written: Not a directory"
    )


def test_a_wrong_setting_stops_the_start_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "slipway.toml").write_text('max_labs = "all"')
    said = refusal(up("--config", str(tmp_path / "slipway.toml")))
    assert said.startswith(f"“max_labs” in {tmp_path}/slipway.toml must be a whole number")


def test_another_servers_data_folder_is_refused_with_its_process(
    instance: Instance, base_image: Image
) -> None:
    with serving(instance, base_image) as server:
        said = refusal(up("--data", str(instance.data_path), "--port", "0"))
        assert f"is another server's (process {server.pid})" in said
    assert leftovers_of(instance) == []


def test_ctrl_c_leaves_living_labs_which_the_next_start_adopts(
    instance: Instance, base_image: Image
) -> None:
    with serving(instance, base_image) as server:
        lab = make_lab(server)
        assert server.stop(signal.SIGINT) == 0
        assert lives(lab["pid"])
        server.start()
        server.client.wait_ready(30)
        assert server.client.lab_list()[0]["pid"] == lab["pid"]
    end_labs(instance)
    wait_for(lambda: not leftovers_of(instance), "nothing to be left")


def test_a_stop_with_no_lab_leaves_nothing_but_the_data(
    instance: Instance, base_image: Image
) -> None:
    with serving(instance, base_image) as server:
        assert server.stop() == 0
    assert leftovers_of(instance) == []
    assert (instance.web_path / "slipway.db").exists()


def test_end_labs_leaves_nothing_though_labs_lived(instance: Instance, base_image: Image) -> None:
    with serving(instance, base_image, "--end-labs") as server:
        labs = [make_lab(server, f"k{number}") for number in range(2)]
        assert server.stop() == 0
    wait_for(lambda: not any(lives(lab["pid"]) for lab in labs), "the labs to have ended")
    assert leftovers_of(instance) == []


def test_the_supervisors_death_ends_its_children_but_no_lab(
    instance: Instance, base_image: Image
) -> None:
    with serving(instance, base_image) as server:
        lab = make_lab(server)
        server.stop(signal.SIGKILL)
        wait_for(lambda: not processes_of(instance), "web, pump and runtime to end")
        assert lives(lab["pid"])
    end_labs(instance)
    wait_for(lambda: not leftovers_of(instance), "nothing to be left")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", ["", "process.started process=runtime", "network.made"])
def test_a_signal_during_the_start_stops_it_and_leaves_nothing(
    make_instance: Callable[[], Instance], base_image: Image, number: int, after: str
) -> None:
    instance = make_instance()
    lend_image(base_image, instance)
    with started_in_background(instance) as (process, log_path):
        wait_for((instance.data_path / "lock").exists, "the lock")
        wait_for(lambda: after in log_path.read_text(), after)
        process.send_signal(number)
        assert process.wait(60) == 0, log_path.read_text()
    wait_for(lambda: not leftovers_of(instance), "nothing to be left")


@contextmanager
def started_in_background(
    instance: Instance,
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """As a shell does it with `&`: SIGINT is ignored from the start."""
    log_path = instance.data_path.with_suffix(".log")
    argv = [sys.executable, "-m", "runtime", "up", f"--data={instance.data_path}", "--port=0"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *argv],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )
    try:
        yield process, log_path
    finally:
        process.kill()
        process.wait()


def processes_of(instance: Instance) -> list[str]:
    """Those that a supervisor ends with itself; the keeper and what is in a lab stay."""
    return [
        found
        for found in leftovers_of(instance)
        if found.startswith("process") and (" webapp" in found or " runtime serve" in found)
    ]
