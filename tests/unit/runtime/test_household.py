"""Which processes are the server's, and what they take."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from runtime import folders
from runtime.household import Household
from runtime.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Place(Instance):
    """An instance whose folder in /run is a test's own."""

    @property
    def run_path(self) -> Path:
        return self.data_path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "lock").write_text(str(os.getpid()))
    return Place(tmp_path, "000000")


@pytest.fixture
def child() -> Iterator[int]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()  # before it runs it may take no memory
        yield process.pid
        process.kill()


def test_only_children_of_the_supervisor_count(place: Place, child: int) -> None:
    folders.note_processes(place, {"supervisor": os.getpid(), "web": child, "pump": 1})
    assert folders.processes(place) == {"supervisor": os.getpid(), "web": child}


def test_a_list_of_a_supervisor_that_is_gone_counts_for_nothing(place: Place, child: int) -> None:
    folders.note_processes(place, {"supervisor": os.getpid(), "web": child})
    (place.data_path / "lock").write_text("1")
    assert folders.processes(place) == {}


def test_each_process_is_told_of_with_what_it_takes(place: Place, child: int) -> None:
    folders.note_processes(place, {"supervisor": os.getpid(), "web": child})
    figures = Household(place, lambda: child).as_dict()
    found = {each["name"]: each for each in figures["processes"]}
    assert set(found) == {"supervisor", "web", "keeper", "runtime"}
    assert found["supervisor"]["memory_bytes"] > found["web"]["memory_bytes"] > 0
    assert found["supervisor"]["descriptors"] > found["web"]["descriptors"] > 0
    assert found["web"]["started_at"] >= found["supervisor"]["started_at"]
    assert figures["disk"]["bytes"] > figures["disk"]["free_bytes"] > 0
    assert figures["memory"]["bytes"] > figures["memory"]["available_bytes"] > 0


def test_one_that_ended_is_left_out(place: Place) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        folders.note_processes(place, {"supervisor": os.getpid(), "web": process.pid})
        found = Household(place, os.getpid).processes()
    assert "web" not in {each["name"] for each in found}
