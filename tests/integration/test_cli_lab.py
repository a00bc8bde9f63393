"""The noun `lab` at the command line: its output, its exit code, and what stays behind."""

from __future__ import annotations

import json
import os
import platform
import pty
import select
import signal
import subprocess
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.conftest import TOP, lend_image
from tests.leftovers import leftovers_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.conftest import Server


DEADLINE_S = 60.0


def argv(instance: Instance, verb: str, *words: str) -> list[str]:
    data = f"--data={instance.data_path}"
    return [sys.executable, "-m", "runtime.cli", "lab", verb, data, *words]


def lab(
    instance: Instance, verb: str, *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(instance, verb, *words),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environ(),
    )


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TOP)}


def test_run_gives_the_commands_output_and_code_and_leaves_no_lab(runtime: Server) -> None:
    script = "id -un; cat; echo oops >&2; exit 3"
    done = lab(runtime.instance, "run", "--", "sh", "-c", script, given="in\n")
    assert (done.stdout, done.stderr, done.returncode) == ("root\nin\n", "oops\n", 3)
    assert runtime.client.lab_list() == []


def test_run_in_a_machine_gives_the_commands_output_and_code(runtime: Server) -> None:
    script = "uname -r; cat; echo oops >&2; exit 3"
    done = lab(runtime.instance, "run", "--machine", "--", "sh", "-c", script, given="in\n")
    release, *rest = done.stdout.split("\n")
    assert (rest, done.stderr, done.returncode) == (["in", ""], "oops\n", 3)
    assert release != platform.release()
    assert runtime.client.lab_list() == []


def test_run_that_is_told_to_end_takes_its_lab_along(runtime: Server) -> None:
    with subprocess.Popen(
        argv(runtime.instance, "run", "--", "sleep", "600"),
        env=environ(),
        stdin=subprocess.DEVNULL,
    ) as process:
        wait_for(runtime.client.lab_list, "the lab")
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    assert runtime.client.lab_list() == []


def test_run_without_a_server_works_and_leaves_nothing(
    instance: Instance, base_image: Image
) -> None:
    lend_image(base_image, instance)
    done = lab(instance, "run", "--", "echo", "hello")
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)
    wait_for(lambda: not leftovers_of(instance), "nothing to be left")


def on_terminal(instance: Instance, verb: str, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """A verb of `lab` on a terminal of its own; the other end of that."""
    master_fd, slave_fd = pty.openpty()
    process = subprocess.Popen(
        argv(instance, verb, *words),
        stdin=slave_fd,
        stdout=slave_fd,
        stderr=slave_fd,
        env=environ(),
    )
    os.close(slave_fd)
    return process, master_fd


def read_on(master_fd: int, last: bytes = b"") -> bytes:
    """What comes until `last`, or else until nobody has the terminal any more."""
    said = b""
    with suppress(OSError):  # EIO, the end
        while not last or last not in said:
            assert select.select([master_fd], [], [], DEADLINE_S)[0], said
            said += os.read(master_fd, 4096)
    return said


def test_run_gives_a_pty_only_where_both_ends_are_terminals(runtime: Server) -> None:
    ask = ["--", "sh", "-c", "test -t 0 && test -t 1 && echo terminal || echo pipe"]
    assert lab(runtime.instance, "run", *ask).stdout == "pipe\n"
    process, master_fd = on_terminal(runtime.instance, "run", *ask)
    assert read_on(master_fd) == b"terminal\r\n"
    assert process.wait(30) == 0
    os.close(master_fd)


def test_all_that_a_command_says_on_a_terminal_comes_and_its_code(runtime: Server) -> None:
    made = runtime.client.lab_create(key="mine", image="slipway/base", until=9e10)
    says = "seq 1 3200; touch /tmp/said; exit 3"  # more than one terminal's buffers hold
    process, master_fd = on_terminal(runtime.instance, "exec", made["lab"], "--", "sh", "-c", says)
    has_said = ["test", "-e", "/tmp/said"]
    wait_for(lambda: runtime.client.lab_exec(made["lab"], has_said) == 0, "its end")
    whole = b"".join(b"%d\r\n" % number for number in range(1, 3201))
    assert read_on(master_fd) == whole
    assert process.wait(30) == 3
    os.close(master_fd)
    runtime.client.lab_remove(made["lab"])


def test_a_command_on_a_terminal_has_its_size_and_its_keys(runtime: Server) -> None:
    made = runtime.client.lab_create(key="mine", image="slipway/base", until=9e10)
    says = (
        "echo begun; until [ \"$(stty size)\" = '33 111' ]; do sleep 0.1; done; "
        "echo sized; read -r line; echo got $line"
    )
    process, master_fd = on_terminal(runtime.instance, "exec", made["lab"], "--", "sh", "-c", says)
    read_on(master_fd, b"begun")
    termios.tcsetwinsize(master_fd, (33, 111))
    read_on(master_fd, b"sized")
    os.write(master_fd, b"words\r")
    assert b"got words" in read_on(master_fd)
    assert process.wait(30) == 0
    os.close(master_fd)
    runtime.client.lab_remove(made["lab"])


def test_a_command_that_is_not_there_is_said_in_one_sentence(runtime: Server) -> None:
    done = lab(runtime.instance, "run", "--", "no-such-program")
    assert done.returncode == 1
    assert "A program could not be started in the container." in done.stderr
    assert "Traceback" not in done.stderr
    assert runtime.client.lab_list() == []


def test_labs_are_listed_entered_and_ended_by_their_id(runtime: Server) -> None:
    made = runtime.client.lab_create(key="mine", image="slipway/base", until=9e10)
    listed = json.loads(lab(runtime.instance, "list", "--json").stdout)
    assert [each["key"] for each in listed] == ["mine"]
    entered = lab(runtime.instance, "exec", "--user", "learner", made["lab"], "--", "id", "-un")
    assert entered.stdout == "learner\n"
    assert lab(runtime.instance, "rm", made["lab"]).returncode == 0
    assert json.loads(lab(runtime.instance, "list", "--json").stdout) == []


def test_all_labs_can_be_ended_at_once(runtime: Server) -> None:
    for key in ("one", "two"):
        runtime.client.lab_create(key=key, image="slipway/base", until=9e10)
    assert lab(runtime.instance, "rm", "--all").returncode == 0
    assert runtime.client.lab_list() == []


@pytest.mark.parametrize("words", [["rm"], ["rm", "--all", "00000000"], ["run"], ["paint"]])
def test_a_wrong_call_ends_with_2(runtime: Server, words: list[str]) -> None:
    assert lab(runtime.instance, *words).returncode == 2


@pytest.mark.parametrize("name", ["00000000", "learner-1"])
@pytest.mark.parametrize("words", [["exec", "NAME", "--", "true"], ["rm", "NAME"]])
def test_an_unknown_lab_is_named(runtime: Server, words: list[str], name: str) -> None:
    done = lab(runtime.instance, *(name if word == "NAME" else word for word in words))
    assert done.returncode == 1
    assert done.stderr == f"There is no lab {name}. `./slipway lab list` names those that live.\n"


def test_a_data_folder_that_is_none_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    done = subprocess.run(
        [sys.executable, "-m", "runtime.cli", "lab", "list", f"--data={tmp_path / 'data'}"],
        capture_output=True,
        text=True,
        check=False,
        env=environ(),
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "can't be written" in done.stderr


@pytest.mark.parametrize("has_terminal", [False, True])
def test_a_command_whose_caller_is_killed_ends_in_the_lab(
    runtime: Server, *, has_terminal: bool
) -> None:
    made = runtime.client.lab_create(key="mine", image="slipway/base", until=9e10)

    def sleeps() -> bool:
        found = runtime.client.lab_processes(made["lab"])
        return any(each["comm"] == "sleep" for each in found)

    words = ("exec", made["lab"], "--", "sleep", "1000")
    if has_terminal:
        process, master_fd = on_terminal(runtime.instance, *words)
    else:
        process, master_fd = subprocess.Popen(argv(runtime.instance, *words), env=environ()), -1
    wait_for(sleeps, "the command in the lab")
    process.kill()
    process.wait()
    wait_for(lambda: not sleeps(), "its end")
    if has_terminal:
        os.close(master_fd)
    runtime.client.lab_remove(made["lab"])
