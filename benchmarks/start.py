"""How long a learner waits for a prompt, side by side with docker and podman.

    .venv/bin/python benchmarks/start.py --json

From the call of `lab.create` to the first prompt byte on the pty, cold and from the warm pool;
against `docker run -it` on its bridge and `podman run -it` by netavark, with the same root file
system and limits. Interleaved, so that a busy moment of the machine meets all of them. Needs root.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if not __package__:  # started as a file: then the checkout isn't on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.engines import Docker, Engine, Podman
from benchmarks.figures import Series, lines_of, machine, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.store import Image

WARM_UP = 2


@click.command()
@bench.json_option
@click.option("--count", default=20, show_default=True, help="How often each is measured.")
@bench.data_option
def main(data: Path, count: int, *, as_json: bool) -> None:
    """Measure the time to the first prompt."""
    with bench.workplace(data) as (folder, image), ExitStack() as stack:
        figures = measure(folder, image, count, stack)
    click.echo(json.dumps(figures) if as_json else "\n".join(lines_of(figures)))


def measure(folder: Path, image: Image, count: int, stack: ExitStack) -> dict[str, Any]:
    """Start all that is here, measure in turns, and put the figures together."""
    seen = machine()
    daemon = stack.enter_context(Daemon(folder / "slipway", image))
    starts: dict[str, Callable[[], float]] = {
        "slipway cold": daemon.cold_ms,
        "slipway warm": daemon.warm_ms,
    }
    missing: dict[str, str] = {}
    engines: list[Engine] = [Docker(folder), Podman(folder)]
    for engine in engines:
        if engine.missing:
            missing[engine.name] = engine.missing
            continue
        say(f"{engine.name} takes the image in")
        stack.enter_context(engine).load(image.rootfs_path)
        starts[engine.name] = engine.start_ms
    runs = in_turns(starts, count)
    cold, warm = runs["slipway cold"], runs["slipway warm"]
    docker, podman = runs.get("docker"), runs.get("podman")
    return {
        "benchmark": "start",
        "machine": seen,
        "runs": [series.as_dict() for series in runs.values()],
        "ratios": {
            "cold_vs_docker": ratio(cold, docker),
            "cold_vs_podman": ratio(cold, podman),
            "warm_vs_docker": ratio(warm, docker),
        },
        "missing": missing,
    }


def in_turns(starts: dict[str, Callable[[], float]], count: int) -> dict[str, Series]:
    """Each once, then each again; the first rounds fill caches and aren't counted."""
    runs = {name: Series(name) for name in starts}
    for turn in range(-WARM_UP, count):
        for name, start_ms in starts.items():
            took = start_ms()
            if turn >= 0:
                runs[name].values_ms.append(took)
        say(f"turn {turn + 1} of {count}")
    return runs


if __name__ == "__main__":
    main()
