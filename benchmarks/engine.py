"""What a container within a lab costs, beside the same container on the host.

    .venv/bin/python benchmarks/engine.py --json

Runs `podman run --rm busybox true` again and again, as the learner in a lab of the profile `engine`
and as root on the host with the host's own podman, in turns, from the same image on the same disk;
each with the network that its podman gives by itself. Takes labs with an engine out of the pool, to
the first byte of their prompt, as whoever opens the lesson does. Then compares what a plain lab and
one with an engine are charged while nothing runs in them, the second after it has run a container;
and reads how much of its disk a fresh one has used. Takes half a minute, and two minutes more where
the image slipway/engine has to be built first. Needs root, and podman on the host.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.engines import Podman
from benchmarks.figures import Series, lines_of, machine, ratio
from runtime.container import profile
from runtime.image.build import Builder
from runtime.image.store import Store

if TYPE_CHECKING:
    from runtime.image.store import Image

ENGINE = "engine"
BUSYBOX = "localhost/busybox"
DISK = "/var/lib/engine"
# Timed within, so that the way into the lab isn't counted; a shell reads the clock for nothing.
TIMED = "began=$EPOCHREALTIME; podman run --rm busybox true && echo $began $EPOCHREALTIME"


@click.command()
@bench.json_option
@click.option("--runs", default=10, show_default=True, help="How often each is run.")
@bench.data_option
def main(*, as_json: bool, runs: int, data: Path) -> None:
    """Measure containers within labs."""
    with bench.workplace(data) as (folder, base):
        builder = Builder(Store(base.rootfs_path.parents[1]))
        image = builder.build(profile.load(ENGINE).image, lambda step, _percent: say(step))
        figures = measure(folder, image, runs)
    click.echo(json.dumps(figures) if as_json else "\n".join(lines_of(figures)))


def measure(folder: Path, image: Image, runs: int) -> dict[str, Any]:
    """Run both in turns, read the rest, and put the figures together."""
    nested, host, missing = Series("within a lab"), Series("on the host"), {}
    with Daemon(folder / "slipway", image) as daemon, Podman(folder) as podman:
        plain, lab = daemon.lab(), daemon.lab(profile=ENGINE)
        fresh_bytes = int(inside(daemon, lab, f"df --output=used -B1 {DISK} | tail -1"))
        if podman.missing:
            missing[podman.name] = podman.missing
        for _ in range(runs + 1):
            nested.values_ms.append(nested_ms(daemon, lab))
            if not podman.missing:
                host.values_ms.append(host_ms(podman, image))
        del nested.values_ms[0], host.values_ms[:1]  # the first ones fill caches
        ready = Series("a lab that stood ready, to its prompt")
        ready.values_ms += [daemon.warm_ms(ENGINE) for _ in range(runs)]
        memory = {
            name: idle_bytes(daemon, each) for name, each in (("plain", plain), (ENGINE, lab))
        }
    return {
        "benchmark": "engine",
        "machine": machine(),
        "runs": [each.as_dict() for each in (nested, host, ready) if each.values_ms],
        "idle_memory_kib": {name: round(each / 1024) for name, each in memory.items()},
        "ratios": {
            "nested_vs_host": ratio(nested, host),
            "idle_memory_vs_plain": round(memory[ENGINE] / memory["plain"], 3),
            "ready_warm_s": round(ready.median_ms / 1000, 4),
            "disk_fresh_mb": round(fresh_bytes / 1e6, 3),
        },
        "missing": missing,
    }


def nested_ms(daemon: Daemon, lab: dict[str, Any]) -> float:
    """One container within a lab."""
    began, ended = inside(daemon, lab, TIMED).split()
    return (float(ended) - float(began)) * 1000


def host_ms(podman: Podman, image: Image) -> float:
    """One container on the host, from the image that labs have."""
    store = str(image.rootfs_path) + profile.load(ENGINE).shared_images[0]
    options = [*podman.options(), "--rm", BUSYBOX, "true"]
    argv = podman.argv(f"--storage-opt=overlay.imagestore={store}", "run", *options)
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def idle_bytes(daemon: Daemon, lab: dict[str, Any]) -> int:
    """What a lab is charged, the file cache left out that the kernel gives back."""
    return int(daemon.client.lab_usage(lab["lab"])["memory_bytes"])


def inside(daemon: Daemon, lab: dict[str, Any], command: str) -> str:
    """What a command of the learner's says."""
    with (daemon.instance.data_path / "said").open("w+b") as said:
        fds = (0, said.fileno(), said.fileno())
        code = daemon.client.lab_exec(
            lab["lab"], ["/bin/bash", "-lc", command], user="learner", fds=fds
        )
        said.seek(0)
        words = said.read().decode()
    if code != 0:
        raise RuntimeError(f"{command}: {words}")
    return words


if __name__ == "__main__":
    main()
