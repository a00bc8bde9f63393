"""What doctor says of the server's address, its port and the clock."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from runtime import folders
from runtime.doctor import kernel, reach
from runtime.instance import Instance
from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Instance:
    return Instance.at(tmp_path / "data")


@pytest.fixture
def running(place: Instance) -> Iterator[Instance]:
    """One whose server runs, as far as anybody can tell: this process."""
    place.data_path.mkdir()
    place.run_path.mkdir(parents=True)
    (place.data_path / "lock").write_text(str(os.getpid()))
    folders.note_processes(place, {folders.SUPERVISOR: os.getpid()})
    try:
        yield place
    finally:
        for name in ("address", "processes"):
            (place.run_path / name).unlink(missing_ok=True)
        place.run_path.rmdir()


@pytest.mark.parametrize(
    ("public_url", "host", "state", "says"),
    [
        ("", "127.0.0.1", "worse", "http://127.0.0.1:8080, which only this machine reaches"),
        ("", "::1", "worse", "http://[::1]:8080, which only this machine reaches"),
        ("", "192.0.2.7", "good", "http://192.0.2.7:8080"),
        ("https://192.0.2.7", "127.0.0.1", "good", "https://192.0.2.7 leads to 192.0.2.7"),
        ("192.0.2.7", "127.0.0.1", "good", "http://192.0.2.7 leads to 192.0.2.7"),
        ("http://localhost", "0.0.0.0", "worse", "leads everybody to their own computer"),  # noqa: S104 - a word
        ("https://lab.invalid", "127.0.0.1", "worse", "a name that leads nowhere from here"),
        ("https://", "127.0.0.1", "worse", "a name that leads nowhere from here"),
    ],
)
def test_the_address_that_learners_will_use_is_judged(
    public_url: str, host: str, state: str, says: str, place: Instance
) -> None:
    found = reach.address(public_url, host, 8080, place)
    assert found.state == state
    assert says in found.found
    assert bool(found.fix) is (state == "worse")


def test_a_server_that_runs_is_believed_where_it_listens(running: Instance) -> None:
    folders.note_address(running, "192.0.2.7", 80)
    found = reach.address("", "127.0.0.1", 8080, running)
    assert (found.state, found.found) == ("good", "http://192.0.2.7")


def test_a_port_that_this_server_has_is_no_lack_and_another_programs_is(running: Instance) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        number = holder.getsockname()[1]
        taken = reach.port("127.0.0.1", number, running)
        folders.note_address(running, "127.0.0.1", number)
        ours = reach.port("127.0.0.1", number, running)
        folders.note_address(running, "0.0.0.0", number)  # noqa: S104 - as --host may say
        everywhere = reach.port("127.0.0.1", number, running)
    assert (taken.state, ours.state, everywhere.state) == ("worse", "good", "good")
    assert f"sport = :{number}" in taken.fix
    assert "is this server" in ours.found


def test_a_program_that_crashes_in_labs_would_start_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pattern = tmp_path / "core_pattern"
    monkeypatch.setattr(kernel, "_CORE_PATTERN", pattern)
    pattern.write_text("|/usr/share/apport/apport -p%p\n")
    assert kernel.crashes().state == "worse"
    assert "apport -p%p" in kernel.crashes().found
    for harmless in ("core\n", "/var/crash/%e\n", "\n"):
        pattern.write_text(harmless)
        assert kernel.crashes().state == "good"
    pattern.unlink()  # as in a kernel that keeps nothing of a crash
    assert kernel.crashes().state == "good"


def test_a_clock_that_nobody_keeps_right_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether this machine's own is kept right isn't ours to say; only that the kernel answers.
    assert syscalls.is_clock_kept() in {True, False}
    monkeypatch.setattr(syscalls, "is_clock_kept", lambda: True)
    assert kernel.clock().state == "good"
    monkeypatch.setattr(syscalls, "is_clock_kept", lambda: False)
    assert kernel.clock().state == "worse"
    assert "timedatectl" in kernel.clock().fix
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert "came here later" in kernel.clock().found
