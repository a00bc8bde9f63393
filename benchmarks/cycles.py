"""Labs made and ended again and again, some killed half-way: nothing may be left, nothing may grow.

    .venv/bin/python benchmarks/cycles.py --json

Each tenth cycle the OCI runtime is killed while it starts the container, as the kernel would when
memory is short; each hundredth the daemon itself, in the middle of making a lab. Needs root.
About two minutes on a quiet machine of two cores; after `--minutes` it ends, and says how many it
has made by then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.figures import machine, ratios_of
from runtime.client import Problem
from tests.leftovers import leftovers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.store import Image

KILL_STARTER_EACH = 10
KILL_DAEMON_EACH = 100
SAY_EACH = 50
SETTLED = 20  # cycles after which a daemon has all that it needs


@click.command()
@bench.json_option
@click.option("--count", default=500, show_default=True, help="How many labs are made and ended.")
@click.option("--minutes", default=8.0, show_default=True, help="When to end in any case.")
@bench.data_option
def main(*, as_json: bool, count: int, minutes: float, data: Path) -> None:
    """Make and end labs, and look what is left."""
    with bench.workplace(data) as (folder, image):
        figures = measure(folder, image, count, minutes * 60)
    click.echo(json.dumps(figures) if as_json else text(figures))
    sys.exit(1 if figures["left"] else 0)


def measure(folder: Path, image: Image, count: int, most_s: float) -> dict[str, Any]:
    """Go through all cycles and put the figures together."""
    seen, failed, number = machine(), 0, 0
    over_at = time.monotonic() + most_s
    growths: list[float] = []
    with Daemon(folder / "slipway", image) as daemon:
        settled_bytes, since = 0, 0
        while number < count and time.monotonic() < over_at:
            number += 1
            since += 1
            daemon_too = number % KILL_DAEMON_EACH == 0
            deadly = number % KILL_STARTER_EACH == 0
            try:
                with killing(daemon, daemon_too=daemon_too) if deadly else nullcontext():
                    daemon.cold_ms()
            except Problem:
                failed += 1
            if daemon.start_again():
                settled_bytes, since = 0, 0
            elif since == SETTLED:
                settled_bytes = daemon.resident_bytes()
            elif settled_bytes and since % SETTLED == 0:
                growths.append(daemon.resident_bytes() / settled_bytes)
            if number % SAY_EACH == 0:
                say(f"{number} of {count}")
        labs = daemon.lab_traces()
        instance = daemon.instance
    return {
        "benchmark": "cycles",
        "machine": seen,
        "runs": [{"count": number, "count_wanted": count, "killed_half_way": failed}],
        "left": [*labs, *leftovers_of(instance)],
        "ratios": {"daemon_memory_end_vs_start": round(max(growths), 3) if growths else None},
    }


@contextmanager
def killing(daemon: Daemon, *, daemon_too: bool) -> Iterator[None]:
    """Kill whatever starts a container meanwhile, and the daemon with the first of them."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            for pid in _children(daemon.pid):
                with suppress(OSError):
                    if b"\0run\0" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                        continue
                    if daemon_too:
                        daemon.kill()
                        return
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    (run,) = figures["runs"]
    counted, wanted = run["count"], run["count_wanted"]
    of = "" if counted == wanted else f" of {wanted}, then the time was over"
    lines = [f"{counted} labs{of}, {run['killed_half_way']} of them killed half-way"]
    lines += [f"left: {each}" for each in figures["left"]] or ["nothing is left"]
    return "\n".join([*lines, *ratios_of(figures)])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
    return found


if __name__ == "__main__":
    main()
