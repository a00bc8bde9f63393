"""The name of a program that was ended for memory, as the kernel's log has it."""

from __future__ import annotations

import pytest

from runtime.labs.verdicts import parse

RECORD = (
    "6,1234,567890,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=0a1b2c3d,"
    "mems_allowed=0,oom_memcg=/slipway-aa/0a1b2c3d,task_memcg=/slipway-aa/0a1b2c3d,"
    "task={name},pid=99,uid=1073742824\n"
)


def test_the_lab_and_the_program_are_found() -> None:
    assert parse(RECORD.format(name="python3")) == ("0a1b2c3d", "python3")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b", "a b"),
        ("x,pid=1,uid=0", "x,pid=1,uid=0"),
        ("\x1b[31m", "[31m"),
        ("\x07", "A program"),
    ],
)
def test_a_name_that_plays_tricks_is_only_shown(name: str, shown: str) -> None:
    assert parse(RECORD.format(name=name)) == ("0a1b2c3d", shown)


@pytest.mark.parametrize(
    "record",
    ["", "6,1,2,-;usb 1-1: new device", RECORD.replace("0a1b2c3d", "docker-1").format(name="x")],
)
def test_other_records_say_nothing_about_a_lab(record: str) -> None:
    assert parse(record) is None
