"""Works, walls and the planner of a lab, through the verbs that the web has."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import Problem
from tests.integration.lab_harness import Lab, place_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Client
    from tests.conftest import Server

Event = dict[str, Any]


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "compared")
    yield made
    made.remove()


class Heard:
    """The events of a server, collected while a test goes on."""

    def __init__(self, client: Client) -> None:
        self.events: list[Event] = []
        self._feed = client.follow(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while packet := self._feed.receive():
                self.events.append(packet.body)
        except (Problem, OSError, ValueError):  # it was closed
            return

    def works(self, lab: Lab, **fields: object) -> list[Event]:
        """What was told of a lab's work, as far as it has these fields."""
        return [
            event
            for event in list(self.events)
            if event["type"] == "work.changed"
            and event["lab"] == lab.id
            and all(event[name] == value for name, value in fields.items())
        ]

    def close(self) -> None:
        """Listen no more."""
        self._feed.close()


@pytest.fixture
def heard(runtime: Server) -> Iterator[Heard]:
    listening = Heard(runtime.client)
    yield listening
    listening.close()


@pytest.mark.parametrize("work", ["compress", "http"])
def test_a_work_is_told_as_a_rate_with_its_progress(heard: Heard, lab: Lab, work: str) -> None:
    lab.client.work_start(lab.id, work)
    done = wait_for(lambda: heard.works(lab, state="done"), "its result", deadline_s=60)[0]
    assert done["work"] == work
    assert done["container"]["rate"] > 0
    assert done["container"]["unit"].endswith("/s")
    percents = [event["percent"] for event in heard.works(lab, state="running")]
    assert len(percents) > 3
    assert percents == sorted(percents)
    assert "python3" not in lab.programs()


def test_a_second_pair_waits_for_the_first_and_says_its_place(
    runtime: Server, heard: Heard, lab: Lab
) -> None:
    other = Lab(runtime.client, "behind")
    try:
        lab.client.work_start(lab.id, "calls")
        waiting = runtime.client.work_start(other.id, "fork")
        assert (waiting["state"], waiting["place"]) == ("waiting", 1)
        wait_for(lambda: heard.works(other, state="done"), "the second's result", deadline_s=60)
        first_done = heard.events.index(heard.works(lab, state="done")[0])
        second_runs = heard.events.index(heard.works(other, state="running")[0])
        assert first_done < second_runs
    finally:
        other.remove()


def test_a_work_can_be_stopped_and_leaves_nothing_running(heard: Heard, lab: Lab) -> None:
    lab.client.work_start(lab.id, "http")
    wait_for(lambda: "python3" in lab.programs(), "the work")
    with pytest.raises(Problem, match="isn't over yet") as caught:
        lab.client.work_start(lab.id, "files")
    assert caught.value.code == "work-busy"
    lab.client.work_stop(lab.id)
    stopped = wait_for(lambda: heard.works(lab, state="stopped"), "its end")[0]
    assert stopped["container"] is None
    wait_for(lambda: "python3" not in lab.programs(), "the end of its programs")


def test_a_work_that_cannot_run_says_so(heard: Heard, lab: Lab) -> None:
    assert lab.sh("rm /usr/bin/python3").code == 0
    lab.client.work_start(lab.id, "files")
    failed = wait_for(lambda: heard.works(lab, state="failed"), "its end", deadline_s=60)[0]
    assert "python3" in failed["sentence"]


@pytest.mark.kernel
def test_what_root_sees_of_the_kernel_is_asked_and_true(lab: Lab) -> None:
    found = {row["name"]: row["container"] for row in lab.client.meter_isolation(lab.id)["rows"]}
    assert set(found) >= {"kernel", "boot-id", "modules", "log", "cpu", "uptime", "devices"}
    asked = lab.sh("uname -r; cat /proc/sys/kernel/random/boot_id; nproc").text.split()
    assert found["kernel"]["value"] == f"{asked[0]}, the server's"
    assert found["boot-id"]["value"] == asked[1]
    has_modules = Path("/proc/modules").exists()
    assert ("can't load" if has_modules else "none") in found["modules"]["value"]
    assert found["panic"]["value"] in {"refused", "nothing to ask"}
    assert "one end of a cable" in found["network"]["value"]
    nodes = lab.sh("ls -l /dev | grep -c '^[bc]'").text.strip()
    assert found["devices"]["value"] == nodes


def test_one_more_container_starts_counts_and_goes_again(runtime: Server, lab: Lab) -> None:
    before = lab.client.plan_read(lab.id)

    def views_agree() -> bool:
        views = lab.client.lab_views(usage=[lab.id], processes=[lab.id, "ffffffff"], plan=[lab.id])
        assert views["plan"][lab.id]["lines"].keys() == before["lines"].keys()
        pids = views["usage"][lab.id]["pids"] == lab.client.lab_usage(lab.id)["pids"]
        return pids and views["processes"] == {lab.id: lab.client.lab_processes(lab.id)}

    wait_for(views_agree, "its shell to have begun: what begins it comes and goes")
    after = lab.client.plan_more(lab.id, "container")
    assert after["refused"] is None
    assert after["mine"]["containers"] == before["mine"]["containers"] + 1
    assert after["mine"]["container_start"]["ms"] > 0
    assert len(place_of(runtime.instance).labs()) == 2
    promised = after["lines"]["promised"]
    assert promised["used_bytes"]["containers"] == 2 * promised["container"]["each_bytes"]
    idle = after["lines"]["idle"]
    assert idle["container"]["more"] == idle["free_bytes"] // idle["container"]["each_bytes"]
    assert lab.client.plan_less(lab.id)["mine"]["containers"] == 1
    assert place_of(runtime.instance).labs() == {lab.id}


def test_what_is_extra_ends_with_its_lab(runtime: Server) -> None:
    lab = Lab(runtime.client, "with-more")
    lab.client.plan_more(lab.id, "container")
    assert len(place_of(runtime.instance).labs()) == 2
    lab.remove()
    assert place_of(runtime.instance).labs() == set()


def test_what_is_extra_is_gone_after_a_runtime_that_was_killed(runtime: Server, lab: Lab) -> None:
    start = lab.client.meter_start(lab.id)
    lab.client.plan_more(lab.id, "container")
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert place_of(runtime.instance).labs() == {lab.id}
    assert lab.client.plan_read(lab.id)["mine"]["containers"] == 1
    assert lab.client.meter_read(lab.id)["container"]["starts"]["cold"] == start


def test_a_check_reads_the_figures_and_the_plan(lab: Lab) -> None:
    script = "#!/usr/bin/python3\nimport json, os\nprint(sorted(json.load(os.fdopen(3))))\n"
    said = lab.check(script)["stdout"]
    assert "'meter'" in said
    assert "'plan'" in said
