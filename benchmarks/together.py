"""A class with machines: do containers still answer, panels still live, and does each VM come?

    .venv/bin/python benchmarks/together.py --json

Fifty containers, then ten machines beside them: how long a key takes to come back in a container's
terminal, alone and beside the machines, and how long a reading of all figures takes. Then thirty
press Boot within ten seconds: what places in line they see, and how many get their machine. Needs
root, and memory for the machines.
"""

from __future__ import annotations

import json
import os
import select
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

if not __package__:  # started as a file: then the checkout isn't on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.figures import machine as host
from benchmarks.prompt import wait_for_prompt

_OVER = ("ready", "failed", "ended")
DISK_BYTES = 64 << 20  # taken whole for each: fifty usual ones want 25 GB
_KEYS = 60  # in each phase, a different terminal each time
_ECHO_S = 10
_PRESS_S = 10


@click.command()
@bench.json_option
@click.option("--labs", default=50, show_default=True, help="How many containers.")
@click.option("--machines", default=10, show_default=True, help="How many machines beside them.")
@click.option("--presses", default=30, show_default=True, help="How many press Boot at once.")
@bench.data_option
def main(data: Path, labs: int, machines: int, presses: int, *, as_json: bool) -> None:
    """Measure a class that uses machines."""
    with bench.workplace(data) as (folder, image), ExitStack() as stack:
        seen = host()
        daemon = stack.enter_context(Daemon(folder / "slipway", image, max_labs=labs))
        figures = measure(daemon, labs, machines, presses)
    figures = {"benchmark": "together", "machine": seen, **figures}
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(daemon: Daemon, labs: int, machines: int, presses: int) -> dict[str, Any]:
    """All phases, one after the other, and their figures."""
    with ExitStack() as stack:
        made, streams = [], []
        for number in range(labs):
            say(f"container {number + 1} of {labs}")
            made.append(daemon.small_lab(DISK_BYTES)["lab"])
            streams.append(daemon.client.terminal_stream(f"{made[-1]}.1"))
            stack.callback(os.close, streams[-1])
            wait_for_prompt(streams[-1])
        alone = _keys_ms(streams)
        say(f"{machines} machines beside them")
        _press(daemon, made[:machines])
        beside = _keys_ms(streams)
        reading = _reading_ms(daemon, made)
        for lab in made[:machines]:
            daemon.client.machine_end(lab, force=True)
        say(f"{presses} press Boot")
        pressed = _press(daemon, made[:presses])
    return {
        "containers": labs,
        "machines": machines,
        "key_alone_ms": round(statistics.median(alone), 3),
        "key_beside_machines_ms": round(statistics.median(beside), 3),
        "reading_of_all_ms": round(statistics.median(reading), 1),
        "presses": presses,
        **pressed,
        "ratios": {"key_beside_vs_alone": round(_ratio(beside, alone), 3)},
    }


def _keys_ms(streams: list[int]) -> list[float]:
    """How long each key takes to come back, on one terminal after the other."""
    took = []
    for number in range(_KEYS):
        stream_fd = streams[number % len(streams)]
        began = time.perf_counter()
        os.write(stream_fd, b"x")
        if not select.select([stream_fd], [], [], _ECHO_S)[0]:
            raise TimeoutError(f"a key did not come back within {_ECHO_S} s")
        os.read(stream_fd, 4096)
        took.append((time.perf_counter() - began) * 1000)
        os.write(stream_fd, b"\x15")  # what was typed is taken back
        time.sleep(0.05)
        os.read(stream_fd, 4096)
    return took


def _reading_ms(daemon: Daemon, labs: list[str]) -> list[float]:
    """How long a reading of every lab takes, once a second."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        daemon.client.meter_all(labs)
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(1)
    return took


def _press(daemon: Daemon, labs: list[str]) -> dict[str, Any]:
    """Press Boot for each within some seconds; what they saw, and who got a machine."""
    places = []
    for lab in labs:
        places.append(daemon.client.machine_boot(lab)["place"])
        time.sleep(_PRESS_S / len(labs) / 2)
    began = time.monotonic()
    while True:
        states = [daemon.client.lab_get(lab)["machine"]["state"] for lab in labs]
        say(f"  {states.count('ready')} of {len(labs)} at their prompt")
        if set(states) <= set(_OVER):
            break
        time.sleep(1)
    return {
        "machines_ready": states.count("ready"),
        "last_place_in_line": max(places),
        "all_ready_s": round(time.monotonic() - began, 1),
    }


def _ratio(of: list[float], to: list[float]) -> float:
    return statistics.median(of) / statistics.median(to)


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    key, beside = figures["key_alone_ms"], figures["key_beside_machines_ms"]
    times = figures["ratios"]["key_beside_vs_alone"]
    ready, last = figures["machines_ready"], figures["last_place_in_line"]
    machines = f"beside {figures['machines']} machines"
    return (
        f"a key in one of {figures['containers']} containers: {key} ms; "
        f"{machines}: {beside} ms ({times} times)\n"
        f"a reading of all figures: {figures['reading_of_all_ms']} ms\n"
        f"{figures['presses']} pressed Boot: {ready} have their machine after "
        f"{figures['all_ready_s']} s; the last place in line was {last}"
    )


if __name__ == "__main__":
    main()
