"""A class with machines: do containers still answer, panels still live, and does each VM come?

    .venv/bin/python benchmarks/together.py --json

Fifty containers, then ten machines beside them: how long a key takes to come back in a container's
terminal, alone, beside the machines and while more of them boot, and how long a reading of all
figures takes. Then thirty press Boot within ten seconds: what places in line they see, and how
many get their machine. Each boot is waited for a bounded time, so it ends; what did not come is in
the figures. Some five minutes on two quiet processors; needs root, and 11 GB for the machines.
"""

from __future__ import annotations

import json
import os
import select
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
from benchmarks.figures import Series, lines_of, ratio
from benchmarks.figures import machine as host
from benchmarks.prompt import wait_for_prompt

_OVER = ("ready", "failed", "ended")
DISK_BYTES = 64 << 20  # taken whole for each: fifty usual ones want 25 GB
_KEYS = 60  # in each phase, a different terminal each time
_ECHO_S = 10
_PRESS_S = 10
_PATIENCE_S = 60  # for the first machine of a line, and
_EACH_S = 20  # for each after it


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
        say("keys in the containers alone")
        alone = Series("keys alone", _keys_ms(streams))
        say(f"{machines} machines beside them")
        _press(daemon, made[:machines])
        _wait(daemon, made[:machines])
        beside = Series("keys beside machines", _keys_ms(streams))
        reading = Series("a reading of all", _reading_ms(daemon, made))
        for lab in made[:machines]:
            daemon.client.machine_end(lab, force=True)
        say(f"{presses} press Boot")
        places = _press(daemon, made[:presses])
        booting = Series("keys beside boots", _keys_ms(streams))
        came = _wait(daemon, made[:presses])
    return {
        "containers": labs,
        "machines": machines,
        "runs": [each.as_dict() for each in (alone, beside, booting, reading)],
        "presses": presses,
        "places_seen": places,
        **came,
        "ratios": {
            "key_beside_vs_alone": ratio(beside, alone),
            "key_beside_boots_vs_alone": ratio(booting, alone),
        },
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


def _press(daemon: Daemon, labs: list[str]) -> list[int]:
    """Press Boot for each within some seconds; the place in line that each saw, 0 for its turn."""
    places = []
    for lab in labs:
        places.append(daemon.client.machine_boot(lab)["place"])
        time.sleep(_PRESS_S / len(labs) / 2)
    return places


def _wait(daemon: Daemon, labs: list[str]) -> dict[str, Any]:
    """Wait until each has its machine, or none will come; why some have none."""
    began = time.monotonic()
    deadline = began + _PATIENCE_S + _EACH_S * len(labs)
    while True:
        machines = [daemon.client.lab_get(lab)["machine"] for lab in labs]
        states = [machine["state"] for machine in machines]
        say(f"  {states.count('ready')} of {len(labs)} at their prompt")
        if set(states) <= set(_OVER) or time.monotonic() > deadline:
            break
        time.sleep(1)
    return {
        "machines_ready": states.count("ready"),
        "all_ready_s": round(time.monotonic() - began, 1),
        "without": sorted({m["sentence"] or m["state"] for m in machines if m["state"] != "ready"}),
    }


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    lines = [f"of {figures['containers']} containers, {figures['machines']} with a machine:"]
    lines += lines_of(figures)
    lines += [
        f"{figures['presses']} pressed Boot and saw the places {figures['places_seen']}",
        f"{figures['machines_ready']} have their machine after {figures['all_ready_s']} s",
        *(f"without: {why}" for why in figures["without"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
