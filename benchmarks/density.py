"""How many quiet labs a server holds, and what each costs, beside docker and podman.

    .venv/bin/python benchmarks/density.py --json

Makes labs and holds them, each with its shell at the prompt; then as many containers of docker and
of podman, with the same root file system, shell and limits. What one costs is read from the host:
the proportional set of every process that is there for it (shims, monitors and the daemons' growth
among them), and what the kernel's own memory has grown by (slab, stacks, page tables, per-processor
data, shared memory that no process maps). File cache isn't counted: the kernel gives it back, and
is made to before each reading. As many of each, since the first few dozen fit into pages that the
kernel holds half empty already, and seem to cost a third less. Nothing else should run meanwhile:
the kernel's own memory can only be read for the whole machine. Takes three minutes on a quiet
machine of two cores. Needs root, and 24 GiB for 200.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.engines import Docker, Podman
from benchmarks.figures import machine, ratios_of
from benchmarks.host import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.engines import Engine
    from runtime.image.store import Image

AROUND = 5  # a lab's time is the median of those around it
# A disk is taken whole: 200 of the usual size are 110 GB.
DISK_BYTES = 64 << 20


@dataclass(frozen=True)
class Cost:
    """What one more costs."""

    name: str
    count: int
    user_bytes: int
    kernel_bytes: int

    @classmethod
    def between(cls, name: str, before: Reading, after: Reading, count: int) -> Cost:
        """The growth, divided among those that were made."""
        return cls(
            name,
            count,
            (after.user_bytes - before.user_bytes) // count,
            (after.kernel_bytes - before.kernel_bytes) // count,
        )

    @property
    def all_bytes(self) -> int:
        """User space and kernel."""
        return self.user_bytes + self.kernel_bytes

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "count": self.count,
            "user_kib": round(self.user_bytes / 1024),
            "kernel_kib": round(self.kernel_bytes / 1024),
            "all_kib": round(self.all_bytes / 1024),
        }


@click.command()
@bench.json_option
@click.option(
    "--count",
    default=200,
    show_default=True,
    type=click.IntRange(min=10),
    help="How many labs are held.",
)
@click.option("--peers", type=click.IntRange(min=1), help="Containers of each engine, if fewer.")
@bench.data_option
def main(*, as_json: bool, count: int, peers: int | None, data: Path) -> None:
    """Measure what a quiet lab costs."""
    with bench.workplace(data) as (folder, image):
        figures = measure(folder, image, count, peers or count)
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(folder: Path, image: Image, count: int, peers: int) -> dict[str, Any]:
    """Hold labs, then each engine's containers, one after the other; put the figures together."""
    seen, missing = machine(), {}
    mine, times_ms = of_slipway(folder, image, count)
    costs = {"slipway": mine}
    engines: list[Engine] = [Docker(folder), Podman(folder)]
    for engine in engines:
        if engine.missing:
            missing[engine.name] = engine.missing
        else:
            costs[engine.name] = of_engine(engine, image, peers)
    early, late = around(times_ms, 10), around(times_ms, count)
    return {
        "benchmark": "density",
        "machine": seen,
        "labs": count,
        "runs": [cost.as_dict() for cost in costs.values()],
        "create_ms": {"10th": round(early, 1), "last": round(late, 1)},
        "ratios": {
            "memory_vs_docker": ratio(mine, costs.get("docker"), lambda cost: cost.all_bytes),
            "memory_vs_podman": ratio(mine, costs.get("podman"), lambda cost: cost.all_bytes),
            "user_memory_vs_docker": ratio(mine, costs.get("docker"), lambda cost: cost.user_bytes),
            "user_memory_vs_podman": ratio(mine, costs.get("podman"), lambda cost: cost.user_bytes),
            f"create_{count}th_vs_10th": round(late / early, 3),
        },
        "missing": missing,
    }


def of_slipway(folder: Path, image: Image, count: int) -> tuple[Cost, list[float]]:
    """What a lab of ours costs, and how long each took to make."""
    with Daemon(folder / "slipway", image, max_labs=count + 1) as daemon:
        daemon.make_ms(DISK_BYTES)  # what the first one alone costs isn't each one's
        before = Reading.of(daemon.marks)
        times_ms = []
        for number in range(1, count + 1):
            times_ms.append(daemon.make_ms(DISK_BYTES))
            if number % 50 == 0:
                say(f"{number} labs of {count}")
        after = Reading.of(daemon.marks)
    return Cost.between("slipway", before, after, count), times_ms


def of_engine(engine: Engine, image: Image, count: int) -> Cost:
    """What a container of another engine costs."""
    with engine:
        say(f"{engine.name} takes the image in")
        engine.load(image.rootfs_path)
        engine.begin()
        before = Reading.of(engine.marks)
        for _ in range(count):
            engine.begin()
        say(f"{count} containers of {engine.name}")
        after = Reading.of(engine.marks)
        engine.end_all()
    return Cost.between(engine.name, before, after, count)


def around(times_ms: list[float], place: int) -> float:
    """The median of the labs around a place, which is counted from 1."""
    return statistics.median(times_ms[max(place - 1 - AROUND, 0) : place + AROUND])


def ratio(mine: Cost, other: Cost | None, part: Callable[[Cost], int]) -> float | None:
    """How much of the other's; None where that wasn't measured."""
    return round(part(mine) / part(other), 3) if other else None


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{cost['name']:10} {cost['all_kib']:6} KiB each (programs {cost['user_kib']}, "
        f"kernel {cost['kernel_kib']}; n={cost['count']})"
        for cost in figures["runs"]
    ]
    return "\n".join([*lines, *ratios_of(figures)])


if __name__ == "__main__":
    main()
