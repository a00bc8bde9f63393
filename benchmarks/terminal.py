"""How fast a terminal is, side by side with ttyd, terminado and a naive Flask-SocketIO server.

    .venv/bin/python benchmarks/terminal.py --json --ttyd PATH

Echo of keystrokes in 1, 20 and 100 terminals, the same while others flood, output of one `cat`
(beside a bare loop that reads the pty and throws away what it read),
memory of an idle terminal, a viewer that stalls, 200 clients at once, 800 terminals on one pump.
All servers live through the whole run and are measured in turns, so that a busy moment of the
machine meets all of them; what is worth reading is the ratios. ttyd is in no Debian release: build
it and give its path, or what compares with the best peer is null. Needs root for the priorities.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

if not __package__:  # started as a file: then the checkout isn't on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import bench
from benchmarks.bench import say
from benchmarks.figures import machine, quantile
from benchmarks.terminals import phases
from benchmarks.terminals.bare import BareLoop
from benchmarks.terminals.opening import our_storms
from benchmarks.terminals.phases import Stand, Windows
from benchmarks.terminals.servers import OurPump, missing, peers
from webapp.rehearsal.processors import go_first

if TYPE_CHECKING:
    from benchmarks.terminals.servers import Server

TERMINALS = 100
SOME = 20
MANY = 800
CAT_BYTES = 32 * 1024 * 1024
NAIVE_CAT_BYTES = 1024 * 1024
CATS = 21  # one differs from the next by half: the worker of the kernel's wakes here or there
SCALE_WINDOWS = 4


@click.command()
@bench.json_option
@click.option(
    "--ttyd",
    "ttyd_path",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="The program ttyd, built by hand.",
)
@click.option(
    "--windows",
    default=8,
    show_default=True,
    type=click.IntRange(min=1),
    help="How often each situation is measured for each server.",
)
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0.5),
    help="How long each window is.",
)
def main(ttyd_path: Path | None, windows: int, seconds: float, *, as_json: bool) -> None:
    """Measure terminals."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    go_first()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers and shells end with us
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), ttyd_path, windows, seconds)
    click.echo(json.dumps(figures) if as_json else text(figures))


def measure(folder: Path, ttyd_path: Path | None, windows: int, window_s: float) -> dict[str, Any]:
    """All questions, in turns."""
    seen = machine()
    with ExitStack() as stack:
        others = peers(ttyd_path)
        ours = OurPump(folder / "run")
        servers: list[Server] = [ours, *others]
        stands = [Stand(stack.enter_context(server), TERMINALS) for server in servers]
        say(f"{len(stands)} servers with {TERMINALS} terminals each")
        quiet = {
            count: phases.echo(stands, count, windows, window_s, say)
            for count in (1, SOME, TERMINALS)
        }
        text_path = folder / "text"
        phases.coloured_text(text_path, CAT_BYTES)
        cat = f"while :; do cat {text_path}; done\n".encode()
        fast = [stand for stand in stands if stand.server.name != "naive"]
        beside_cat, cat_floods = phases.flood(stands[:1], "cat", cat, SOME, windows, window_s, say)
        beside_yes, yes_floods = phases.flood(fast, "yes", phases.YES, SOME, windows, window_s, say)
        with BareLoop() as bare:
            speeds = phases.throughput([*fast, bare], text_path, CATS)
        phases.coloured_text(text_path, NAIVE_CAT_BYTES)
        speeds |= phases.throughput([s for s in stands if s not in fast], text_path, 1)
        say("one viewer stalls")
        stalled = phases.stall(ours, stands[0].client)
        memory = {stand.server.name: stand.memory_each_bytes for stand in stands}
        for stand in stands:
            stand.client.close()
        storms = {}
        for peer in others:
            say(f"{phases.STORM_CLIENTS} clients come to {peer.name}, twice")
            storms[peer.name] = phases.storms(peer)
    say(f"{phases.STORM_CLIENTS} clients come to slipway, twice")
    storms["slipway"] = our_storms(folder / "web")
    say(f"{MANY} terminals on one pump")
    with OurPump(folder / "many") as pump:
        few, many = phases.scale(pump, TERMINALS, MANY, SCALE_WINDOWS, window_s)
    runs = [*quiet.values(), beside_cat, cat_floods, beside_yes, yes_floods]
    shown = [each.as_dict() for run in runs for each in run.values()]
    ratios = echo_ratios(quiet, has_ttyd=ttyd_path is not None)
    speed = {name: quantile(values, 0.5) for name, values in speeds.items()}
    ratios |= {
        "throughput_vs_terminado": divided(speed["slipway"], speed.get("terminado")),
        "throughput_vs_naive": divided(speed["slipway"], speed["naive"]),
        "throughput_vs_bare_loop": divided(speed["slipway"], speed[BareLoop.name]),
        "bare_loop_vs_terminado": divided(speed[BareLoop.name], speed.get("terminado")),
        "flood_p99_vs_quiet": over(cat_floods["slipway"].p99_ms, beside_cat["slipway"].p99_ms),
        "flood_p99_vs_best_peer": best(yes_floods, "p99_ms", 0.5) if ttyd_path else None,
        "memory_vs_terminado": divided(memory["slipway"], memory.get("terminado")),
        "scale_p99_vs_100": over(many.p99_ms, few.p99_ms),
    }
    return {
        "benchmark": "terminal",
        "machine": seen,
        "peers": [peer.name for peer in others],
        "missing": missing(ttyd_path),
        "runs": [*shown, few.as_dict(), many.as_dict()],
        "throughput_mib_s": {name: round(value, 2) for name, value in speed.items()},
        "memory_each_bytes": {name: round(value) for name, value in memory.items()},
        "stalled_viewer": stalled,
        "storms": storms,
        "ratios": ratios,
    }


def echo_ratios(quiet: dict[int, dict[str, Windows]], *, has_ttyd: bool) -> dict[str, float | None]:
    """Ours to the best peer's, the worse of 20 and 100 terminals; and alone."""
    if not has_ttyd:
        names = ("echo_p50", "echo_p99", "echo_p99_q25", "echo_p50_alone")
        return {f"{name}_vs_best_peer": None for name in names}
    crowds = [quiet[SOME], quiet[TERMINALS]]
    return {
        "echo_p50_vs_best_peer": max(best(crowd, "p50_ms", 0.5) for crowd in crowds),
        "echo_p99_vs_best_peer": max(best(crowd, "p99_ms", 0.5) for crowd in crowds),
        "echo_p99_q25_vs_best_peer": max(best(crowd, "p99_ms", 0.25) for crowd in crowds),
        "echo_p50_alone_vs_best_peer": best(quiet[1], "p50_ms", 0.5),
    }


def best(windows: dict[str, Windows], figure: str, share: float) -> float:
    """Ours divided by the smallest of the others'."""
    values = {name: quantile(getattr(each, figure), share) for name, each in windows.items()}
    return round(values.pop("slipway") / min(values.values()), 3)


def over(of: list[float], to: list[float]) -> float:
    """One median divided by another."""
    return round(quantile(of, 0.5) / quantile(to, 0.5), 3)


def divided(ours: float, theirs: float | None) -> float | None:
    """Ours to theirs; None where they weren't measured."""
    return round(ours / theirs, 3) if theirs else None


def text(figures: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{run['situation']:14} {run['server']:10} p50 {run['p50_ms']:8.3f} ms"
        f"   p99 {run['p99_ms']:8.3f} ms (lower quartile {run['p99_q25_ms']:.3f})"
        for run in figures["runs"]
    ]
    lines += [f"{name} was not measured: {why}" for name, why in figures["missing"].items()]
    for key in ("throughput_mib_s", "memory_each_bytes", "stalled_viewer", "storms", "ratios"):
        lines += [f"{key}:", *(f"  {name:28} {value}" for name, value in figures[key].items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
