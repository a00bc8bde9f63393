"""What a VM costs beside a container: the whole comparison, as a learner's page measures it.

    .venv/bin/python benchmarks/overhead.py --json

Both from one image with the same limits, one pair after the other: start to the first prompt, both
cold; memory idle and with 100 MB in use, disk, how many of each would fit, and the works. A ratio
is the VM's figure over the container's; what the accelerator distorts is said beside it. Needs
root.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if not __package__:  # started as a file: then the checkout isn't on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.figures import machine as host
from runtime.client import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.client import Client

HELD_MB = 100
WORKS = ("compress", "fork", "calls", "files", "http")
# All else says something of an emulated processor, and of its cache of translated code.
TRUE_OF_ANY = frozenset({"disk", "memory promised", "density promised"})
_HOLD = f"x = b'x' * ({HELD_MB} << 20); print('held', flush=True); input()"
_PATIENCE_S = 180
_SETTLED_S = 8.0  # longer than the dearest figure is kept
_KEPT = 0.1


@dataclass
class Row:
    """One thing compared.

    Attributes:
        name: what it is.
        unit: of its figures.
        machine: the VM's, one a turn.
        container: the container's.
    """

    name: str
    unit: str
    machine: list[float] = field(default_factory=list)
    container: list[float] = field(default_factory=list)

    def add(self, machine: float | None, container: float | None) -> None:
        """Take one turn's; what isn't known is no figure."""
        for values, value in ((self.machine, machine), (self.container, container)):
            if value is not None:
                values.append(value)

    def as_dict(self, *, emulated: bool) -> dict[str, Any]:
        """For `--json`; null is not known."""
        machine = statistics.median(self.machine) if self.machine else None
        container = statistics.median(self.container) if self.container else None
        return {
            "name": self.name,
            "unit": self.unit,
            "machine": machine,
            "container": container,
            "ratio": round(machine / container, 3) if machine and container else None,
            "distorted": emulated and self.name not in TRUE_OF_ANY,
            "values": {"machine": self.machine, "container": self.container},
        }


class Rows:
    """All rows, by name, in the order in which they were first measured."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def add(self, name: str, unit: str, machine: float | None, container: float | None) -> None:
        """Take one turn's figures of a row."""
        self._rows.setdefault(name, Row(name, unit)).add(machine, container)

    def median(self, name: str, side: str) -> float | None:
        """A side's figure so far; None where there is none."""
        values: list[float] = getattr(self._rows[name], side) if name in self._rows else []
        return statistics.median(values) if values else None

    def as_dicts(self, *, emulated: bool) -> list[dict[str, Any]]:
        """For `--json`."""
        return [row.as_dict(emulated=emulated) for row in self._rows.values()]


@click.command()
@bench.json_option
@click.option("--count", default=3, show_default=True, help="How many pairs are measured.")
@bench.data_option
def main(data: Path, count: int, *, as_json: bool) -> None:
    """Compare a VM with a container."""
    with bench.workplace(data) as (folder, image), ExitStack() as stack:
        seen = host()
        daemon = stack.enter_context(Daemon(folder / "slipway", image))
        figures = {"benchmark": "overhead", "machine": seen, **measure(daemon, count)}
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(daemon: Daemon, count: int) -> dict[str, Any]:
    """Measure pair after pair, and put the figures together."""
    rows = Rows()
    missing, accelerator = "", None
    for turn in range(count):
        say(f"pair {turn + 1} of {count}")
        lab = daemon.lab()["lab"]
        try:
            missing, accelerator = _measure_pair(daemon.client, lab, rows)
        finally:
            daemon.client.lab_remove(lab)
    _add_density(rows)
    found = rows.as_dicts(emulated=accelerator == "tcg")
    return {
        "accelerator": accelerator,
        "runs": found,
        "ratios": {row["name"]: row["ratio"] for row in found},
        "missing": {"machine": missing} if missing else {},
    }


def _measure_pair(client: Client, lab: str, rows: Rows) -> tuple[str, str | None]:
    """One pair's figures into the rows; why there was no machine, and what ran it."""
    container_ms = client.meter_start(lab)["ms"]
    missing = _boot(client, lab)
    meter = _settled(client, lab)
    rows.add("start", "ms", _of(meter, "machine", "starts", "cold", "ms"), container_ms)
    _add_memory(rows, "memory idle", meter)
    with ExitStack() as holding:
        for side in ("container", "machine") if not missing else ("container",):
            holding.enter_context(_Holding(client, lab, side))
        _add_memory(rows, f"memory with {HELD_MB} MB in use", _settled(client, lab))
    _add_memory(rows, "memory promised", meter, "memory_limit_bytes")
    disk = [_of(meter, side, "disk_bytes") for side in ("machine", "container")]
    rows.add("disk", "bytes", disk[0], disk[1])
    for work in WORKS:
        say(f"  {work}")
        done = _work(client, lab, work)
        unit = done["container"]["unit"] if done["container"] else ""
        rows.add(work, unit, _of(done, "machine", "rate"), _of(done, "container", "rate"))
    return missing, meter["accelerator"]


def _boot(client: Client, lab: str) -> str:
    """Boot the machine of a lab; why it didn't, or nothing."""
    try:
        client.machine_boot(lab, rows=24, cols=80)
    except Problem as problem:
        return str(problem)

    def machine() -> dict[str, Any] | None:
        found: dict[str, Any] = client.lab_get(lab)["machine"]
        return found if found["state"] in {"ready", "failed", "ended"} else None

    found = _wait(machine, "the machine")
    return "" if found["state"] == "ready" else str(found["sentence"])


def _settled(client: Client, lab: str) -> dict[str, Any]:
    """A reading in which nothing is of before this call."""
    until = time.monotonic() + _SETTLED_S
    while time.monotonic() < until:
        client.meter_read(lab)
        time.sleep(1)
    return client.meter_read(lab)


class _Holding:
    """A program that holds memory in one side of a lab, for as long as this is entered."""

    def __init__(self, client: Client, lab: str, side: str) -> None:
        self._call = (client, lab, side)
        self._input_fd = -1
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._pipes: list[int] = []

    def __enter__(self) -> None:
        read_fd, self._input_fd = os.pipe()
        said_fd, write_fd = os.pipe()
        self._pipes = [read_fd, said_fd, write_fd]
        self._thread.start()
        os.read(said_fd, 16)

    def __exit__(self, *_: object) -> None:
        os.write(self._input_fd, b"\n")
        self._thread.join()
        os.close(self._input_fd)
        for fd in self._pipes:
            os.close(fd)

    def _run(self) -> None:
        client, lab, side = self._call
        read_fd, _, write_fd = self._pipes
        argv = ["python3", "-c", _HOLD]
        client.lab_exec(lab, argv, user="learner", where=side, fds=(read_fd, write_fd, 2))


def _work(client: Client, lab: str, work: str) -> dict[str, Any]:
    """Run a work in both sides; its last event."""
    with client.follow() as events:
        client.work_start(lab, work)
        while packet := events.receive():
            told = packet.body
            if told["type"] == "work.changed" and told["state"] in {"done", "failed", "stopped"}:
                if told["sentence"]:
                    say(f"  {told['sentence']}")
                return told
    raise RuntimeError("the daemon told nothing of a work")


def _add_memory(rows: Rows, name: str, meter: dict[str, Any], figure: str = "memory_bytes") -> None:
    machine, container = (_of(meter, side, figure) for side in ("machine", "container"))
    rows.add(name, "bytes", machine, container)


def _add_density(rows: Rows) -> None:
    """How many of each would fit into nine tenths of this host's memory, by what one takes."""
    room = host()["memory_bytes"] * (1 - _KEPT)
    for line in ("idle", f"with {HELD_MB} MB in use", "promised"):
        each = [rows.median(f"memory {line}", side) for side in ("machine", "container")]
        fits = [room // size if size else None for size in each]
        rows.add(f"density {line}", "", fits[0], fits[1])


def _of(found: object, *names: str) -> Any:  # noqa: ANN401 - a figure, or None
    """What stands below some names; None where one of them isn't there."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _wait(ask: Callable[[], dict[str, Any] | None], what: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while (answer := ask()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no end of {what} after {_PATIENCE_S} s")
        time.sleep(0.05)
    return answer


def text(figures: dict[str, Any]) -> str:
    """The same as a table for people."""
    seen = figures["machine"]
    accelerator = {
        "kvm": "the processor itself (KVM)",
        "tcg": "an emulator (TCG): rows marked * say more of it than of VMs",
        None: "nothing: there was no machine",
    }[figures["accelerator"]]
    memory = _shown(seen["memory_bytes"], "bytes")
    kind = f"{seen['architecture']}, {seen['processors']} CPUs, {memory}"
    lines = [
        f"host         Linux {seen['kernel']}, {kind}, cgroup v{seen['cgroup_version']}",
        f"accelerator  {accelerator}",
        "",
        f"{'':31} {'VM':>18} {'container':>18} {'VM / container':>15}",
    ]
    for row in figures["runs"]:
        mark = " *" if row["distorted"] else ""
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3g}"
        lines.append(
            f"{row['name'] + mark:31} {_shown(row['machine'], row['unit']):>18} "
            f"{_shown(row['container'], row['unit']):>18} {ratio:>15}"
        )
    lines += [f"no {name}: {why}" for name, why in figures["missing"].items()]
    return "\n".join(lines)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "bytes":
        megabytes = value / (1 << 20)
        return f"{megabytes:,.0f} MB" if megabytes >= 1000 else f"{megabytes:.3g} MB"
    return f"{value:,.0f} {unit}".strip() if value >= 100 else f"{value:.3g} {unit}".strip()


if __name__ == "__main__":
    main()
