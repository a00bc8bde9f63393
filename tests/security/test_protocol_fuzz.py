"""Whatever the runtime's socket is sent: it answers in its own words, lives, leaks nothing."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.problems import Problem
from runtime.protocol import PACKET_BYTES, Args
from tests.integration.lab_harness import open_files
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server

ANSWER_S = 30
# Calls that go on for as long as the caller listens, or that take minutes where they are right.
LASTING = {"events", "pump.register", "image.build"}
FUZZ = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=40)
    | st.sampled_from(["a1b2c3d4", "a1b2c3d4.1", "slipway/base", "plain", "../..", "root"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
ARGUMENTS = """
lab key image profile internet limits until rows cols script facts timeout_s argv user tty terminal
name shapes after cursor pump where how force work kind needs replaces
"""
VERBS = """
status lab.create lab.get lab.list lab.remove lab.extend lab.check lab.processes lab.usage lab.exec
lab.prepare terminal.open terminal.close terminal.stream pool.want image.list machine.boot
machine.end image.layers image.stop image.remove image.sweep meter.read work.start plan.more nothing
"""
NAMES = st.sampled_from(ARGUMENTS.split())
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "verb": st.sampled_from(VERBS.split()) | VALUES,
        "args": st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=6) | VALUES,
    },
)


def say(runtime: Server, raw: bytes, fds: list[int]) -> list[dict[str, Any]]:
    """Send one packet, and hear what comes until the runtime has done with it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.settimeout(ANSWER_S)
        caller.connect(str(runtime.instance.runtime_socket))
        socket.send_fds(caller, [raw], fds)
        caller.shutdown(socket.SHUT_WR)
        heard = []
        while packet := caller.recv(PACKET_BYTES):
            heard.append(json.loads(packet))
        return heard


def is_lasting(body: object) -> bool:
    return isinstance(body, dict) and str(body.get("verb"))[:40] in LASTING


@pytest.fixture(scope="module")
def before(runtime: Server) -> int:
    return open_files(runtime.pid)


@pytest.mark.usefixtures("before")
@FUZZ
@given(body=BODIES, descriptors=st.integers(0, 3))
def test_any_object_gets_an_answer_in_the_runtimes_words(
    runtime: Server, body: dict[str, Any], descriptors: int
) -> None:
    if is_lasting(body):
        return
    fds = [os.open("/dev/null", os.O_RDWR) for _ in range(descriptors)]
    try:
        raw = json.dumps(body).encode()
        heard = say(runtime, raw, fds)
    finally:
        for fd in fds:
            os.close(fd)
    assert len(heard) == 1
    (answer,) = heard
    assert answer.keys() <= {"ok", "problem"}
    # `runtime-failed` is how it says that it broke.
    assert answer.get("problem", {}).get("code") != "runtime-failed", (body, runtime.log())


@pytest.mark.usefixtures("before")
@FUZZ
@given(raw=st.binary(min_size=1, max_size=400) | st.text(min_size=1, max_size=200).map(str.encode))
def test_any_bytes_get_an_answer_and_leave_the_runtime_well(runtime: Server, raw: bytes) -> None:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if is_lasting(body):
        return
    (answer,) = say(runtime, raw, [])
    assert "problem" in answer
    assert answer["problem"]["code"] != "runtime-failed"


@pytest.mark.parametrize(
    "raw",
    [b"[" * 100_000, b'{"verb":' * 10_000, b'{"args":{"a":' + b"9" * 5000 + b"}}", b"x" * 131_073],
    ids=["deep", "deep objects", "a large number", "too large"],
)
def test_what_is_too_deep_or_too_large_is_refused(runtime: Server, raw: bytes) -> None:
    (answer,) = say(runtime, raw, [])
    assert answer["problem"]["code"] in {"bad-request", "packet-too-large"}


def test_nothing_is_left_of_all_that(runtime: Server, before: int) -> None:
    assert runtime.client.status()["ready"]
    wait_for(lambda: open_files(runtime.pid) <= before + 3, "descriptors to be closed")


GETTERS = {
    "text": lambda args: args.text("a", longest=8, pattern="[a-z]+"),
    "integer": lambda args: args.integer("a", low=0, high=9),
    "number": lambda args: args.number("a", low=0, high=9),
    "flag": lambda args: args.flag("a"),
    "mapping": lambda args: args.mapping("a"),
    "groups": lambda args: args.groups("a", most=2),
    "texts": lambda args: args.texts("a", most=2, longest=8),
}


@FUZZ
@given(value=VALUES, getter=st.sampled_from(sorted(GETTERS)))
def test_a_getter_gives_what_it_promises_or_refuses(value: object, getter: str) -> None:
    try:
        found = GETTERS[getter](Args({"a": value}))
    except Problem:
        return
    assert found == value or (getter == "groups" and len(found) <= 2)
    if getter in {"integer", "number"}:
        assert 0 <= found <= 9
