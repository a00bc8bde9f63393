"""The name of a program that was ended for memory, as the kernel's log has it."""

from __future__ import annotations

import pytest

from runtime.labs.verdicts import Verdict, Verdicts, parse

RECORD = (
    "6,1234,567890,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=0a1b2c3d,"
    "mems_allowed=0,oom_memcg=/slipway-aa/0a1b2c3d,task_memcg=/slipway-aa/0a1b2c3d,"
    "task={name},pid=99,uid=1073742824\n"
)
KILLED = (
    "3,1235,567899,-;Memory cgroup out of memory: Killed process 99 (python3) total-vm:320964kB, "
    "anon-rss:63488kB, file-rss:5328kB, shmem-rss:0kB, UID:1075445760 pgtables:188kB\n"
)


def test_the_lab_and_the_program_are_found() -> None:
    assert parse(RECORD.format(name="python3")) == ("0a1b2c3d", 99, Verdict("python3"))


def test_what_the_program_had_is_found_in_the_record_after() -> None:
    verdicts = Verdicts()
    verdicts.take(RECORD.format(name="python3"))
    verdicts.take(KILLED)
    verdicts.close()
    assert verdicts.last_in("0a1b2c3d") == Verdict("python3", 62 << 20)
    assert verdicts.last_in("0a1b2c3d") == Verdict()


def test_a_kill_for_the_server_s_memory_is_told_from_the_lab_s_own() -> None:
    record = RECORD.replace("oom_memcg=/slipway-aa/0a1b2c3d", "oom_memcg=/slipway-aa")
    assert parse(record.format(name="x")) == ("0a1b2c3d", 99, Verdict("x", limit="server"))


def test_a_kill_at_a_limit_that_the_learner_set_within_the_lab_is_told_from_both() -> None:
    inner = "/slipway-aa/0a1b2c3d/libpod-11112222"
    record = RECORD.replace("memcg=/slipway-aa/0a1b2c3d", f"memcg={inner}")
    assert parse(record.format(name="x")) == ("0a1b2c3d", 99, Verdict("x", limit="inner"))


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
    assert parse(RECORD.format(name=name)) == ("0a1b2c3d", 99, Verdict(shown))


@pytest.mark.parametrize(
    "record",
    ["", "6,1,2,-;usb 1-1: new device", RECORD.replace("0a1b2c3d", "docker-1").format(name="x")],
)
def test_other_records_say_nothing_about_a_lab(record: str) -> None:
    assert parse(record) is None
