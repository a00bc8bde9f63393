"""Whether machines come up, again and again on a busy server, and how soon beside a bare qemu.

    .venv/bin/python benchmarks/boots.py --json

Fifty cold boots of one lab's machine, with as many busy programs as there are processors beside
them; before each, when asked to, the same kernel, disks and command line by a qemu of ours alone,
which is the fastest way that is known here. Both are timed from the request to the shell at its
prompt. Needs root.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if not __package__:  # started as a file: then the checkout isn't on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.daemon import Daemon
from benchmarks.figures import Series, ratio
from benchmarks.figures import machine as host
from runtime.image import boot as image_boot
from runtime.kernel import tsc
from runtime.machine import disk, qemu
from runtime.machine.agent import Agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Client
    from runtime.image.store import Image
    from runtime.machine.agent import Frame

_MEMORY_BYTES, _DISK_BYTES = 256 << 20, 512 << 20
_UID = 60001  # anybody's but root's
_SIZE = (24, 80)
_PATIENCE_S = 180
_OVER = ("ready", "failed", "ended")


@click.command()
@bench.json_option
@click.option("--count", default=50, show_default=True, help="How many boots.")
@click.option("--busy", default=os.cpu_count() or 1, show_default=True, help="Busy programs.")
@click.option("--bare", is_flag=True, help="Boot a bare qemu before each, to compare.")
@bench.data_option
def main(data: Path, count: int, busy: int, *, bare: bool, as_json: bool) -> None:
    """Boot machines on a busy server."""
    with bench.workplace(data) as (folder, image), ExitStack() as stack:
        seen = host()
        daemon = stack.enter_context(Daemon(folder / "slipway", image))
        stack.enter_context(_busy(busy))
        alone = Bare(image, folder) if bare else None
        figures = {
            "benchmark": "boots",
            "machine": seen,
            "busy": busy,
            **measure(daemon, count, alone),
        }
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(daemon: Daemon, count: int, alone: Bare | None) -> dict[str, Any]:
    """Boot after boot; what each took, and why some came to nothing."""
    lab = daemon.lab()["lab"]
    bare, product, failed = Series("bare qemu"), Series("machine"), []
    for turn in range(count):
        if alone is not None:
            bare.values_ms.append(alone.boot_ms())
        took_ms, machine = _boot(daemon.client, lab)
        if machine["state"] == "ready":
            product.values_ms.append(took_ms)
        else:
            failed.append(str(machine["sentence"]))
        say(f"boot {turn + 1} of {count}: {machine['state']} after {took_ms / 1000:.1f} s")
        daemon.client.machine_end(lab, force=True)
    return {
        "boots": count,
        "ready": len(product.values_ms),
        "tries_that_failed": daemon.log().count("machine.attempt_failed"),
        "failed": failed,
        "runs": [each.as_dict() for each in (bare, product) if each.values_ms],
        "ratios": {"machine_vs_bare_qemu": ratio(product, bare)},
    }


def _boot(client: Client, lab: str) -> tuple[float, dict[str, Any]]:
    """From the press to the prompt, or to the sentence that says why there is none."""
    with client.follow() as events:
        began = time.perf_counter()
        client.machine_boot(lab)
        while packet := events.receive():
            told = packet.body
            if told["type"] == "machine.changed" and told["machine"]["state"] in _OVER:
                return (time.perf_counter() - began) * 1000, told["machine"]
    raise RuntimeError("the daemon told nothing of a boot")


class Bare:
    """The fastest boot that is known: a qemu by itself, without limits, records or terminals.

    Args:
        image: what boots.
        folder: for its disk; others may pass through.
    """

    def __init__(self, image: Image, folder: Path) -> None:
        user = "slip.user=root:0:0:/root:/bin/bash"
        self._plan = qemu.Plan(
            folder=image.rootfs_path.parent / image_boot.FOLDER,
            disk_path=folder / "bare.disk",
            log_path=folder / "bare.log",
            memory_bytes=_MEMORY_BYTES,
            accelerator="tcg",
            board="microvm",
            uid=_UID,
            groups=(),
            tsc_khz=tsc.khz() or 0,
            words=f"quiet loglevel=0 slip.host=bare {user}",
            size=_SIZE,
            cgroups=(),
        )

    def boot_ms(self) -> float:
        """Boot it, end it, and say how long the first took."""
        heard: list[str] = []

        def hear(frame: Frame) -> None:
            heard.append(frame.kind)

        began = time.perf_counter()
        disk.make(self._plan.disk_path, _DISK_BYTES, _UID)
        started = qemu.start(self._plan)
        agent = Agent(started.agent, hear)
        try:
            while "R" not in heard:
                if time.perf_counter() > began + _PATIENCE_S:
                    raise TimeoutError(f"a bare qemu was at no prompt after {_PATIENCE_S} s")
                fds = [agent.fileno(), started.console_fd]
                for ready in select.select(fds, [], [], 1)[0]:
                    if ready == agent.fileno():
                        agent.read()
                    else:
                        os.read(ready, 65536)
            return (time.perf_counter() - began) * 1000
        finally:
            started.process.kill()
            started.process.wait()
            agent.close()
            started.monitor.close()
            os.close(started.console_fd)


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Programs that take all the processor time they get."""
    programs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{figures['ready']} of {figures['boots']} machines came to their prompt",
        f"beside {figures['busy']} busy programs; tries in vain: {figures['tries_that_failed']}",
    ]
    lines += [
        f"  {each['name']:10} median {each['median_ms'] / 1000:.2f} s, "
        f"9 of 10 within {each['p90_ms'] / 1000:.2f} s"
        for each in figures["runs"]
    ]
    if (times := figures["ratios"]["machine_vs_bare_qemu"]) is not None:
        lines.append(f"a machine takes {times} times as long as a bare qemu")
    return "\n".join([*lines, *(f"failed: {why}" for why in figures["failed"])])


if __name__ == "__main__":
    main()
