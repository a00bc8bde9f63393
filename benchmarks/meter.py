"""What reading the figures of a whole class costs the server.

    .venv/bin/python benchmarks/meter.py --json

Fifty real labs, all their figures asked for once a second as the web asks, against the same daemon
with nobody looking: the share of one core that the looking takes. Needs root.
"""

from __future__ import annotations

import json
import os
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
from benchmarks.figures import machine

TARGET = 0.02
DISK_BYTES = 64 << 20  # taken whole for each: fifty usual ones want 25 GB


@click.command()
@bench.json_option
@click.option("--labs", default=50, show_default=True, help="How many labs are read.")
@click.option("--machines", default=0, show_default=True, help="How many of them have a machine.")
@click.option("--seconds", default=30, show_default=True, help="How long each is measured.")
@bench.data_option
def main(data: Path, labs: int, machines: int, seconds: int, *, as_json: bool) -> None:
    """Measure what the meter costs."""
    with bench.workplace(data) as (folder, image), ExitStack() as stack:
        seen = machine()
        daemon = stack.enter_context(Daemon(folder / "slipway", image, max_labs=labs))
        figures = {
            "benchmark": "meter",
            "machine": seen,
            **measure(daemon, labs, machines, seconds),
        }
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(daemon: Daemon, labs: int, machines: int, seconds: int) -> dict[str, Any]:
    """The daemon's share of one core, with and without somebody who looks."""
    made = []
    for number in range(labs):
        say(f"lab {number + 1} of {labs}")
        made.append(daemon.small_lab(DISK_BYTES)["lab"])
    boot(daemon, made[:machines])
    daemon.client.meter_all(made)
    unwatched = _share(daemon, seconds, [])
    watched = _share(daemon, seconds, made)
    return {
        "labs": labs,
        "machines": machines,
        "runs": [
            {"name": "unwatched", "core_share": round(unwatched, 5)},
            {"name": "watched", "core_share": round(watched, 5)},
            {"name": "the meter's", "core_share": round(watched - unwatched, 5)},
        ],
        "target": TARGET,
        "ratios": {"meter_vs_target": round((watched - unwatched) / TARGET, 3)},
    }


def boot(daemon: Daemon, labs: list[str]) -> None:
    """Boot the machines of some labs, and wait for the last prompt."""
    for lab in labs:
        daemon.client.machine_boot(lab)
    while labs:
        time.sleep(1)
        states = [daemon.client.lab_get(lab)["machine"]["state"] for lab in labs]
        say(f"machines: {states.count('ready')} of {len(labs)} at their prompt")
        if not {"queued", "booting"} & set(states):
            return


def _share(daemon: Daemon, seconds: int, labs: list[str]) -> float:
    began, before = time.monotonic(), _cpu_seconds(daemon.pid)
    for second in range(1, seconds + 1):
        if labs:
            daemon.client.meter_all(labs)
        time.sleep(max(began + second - time.monotonic(), 0))
    return (_cpu_seconds(daemon.pid) - before) / (time.monotonic() - began)


def _cpu_seconds(pid: int) -> float:
    """The processor time of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    share, ratio = figures["runs"][-1]["core_share"], figures["ratios"]["meter_vs_target"]
    return (
        f"{figures['labs']} labs, {figures['machines']} with a machine, read once a second take "
        f"{share:.2%} of one core "
        f"({ratio} of the target of {figures['target']:.0%})"
    )


if __name__ == "__main__":
    main()
