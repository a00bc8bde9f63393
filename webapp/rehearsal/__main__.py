"""`python -m webapp.rehearsal`: plays one class, and prints what was seen as one object."""

from __future__ import annotations

import asyncio
import json

import click

from webapp.rehearsal.play import Play, Seen, p99
from webapp.rehearsal.processors import go_first


@click.command()
@click.option("--url", required=True)
@click.option("--code", required=True)
@click.option("--workshop", required=True, help="Its public name.")
@click.option("--link", required=True, help="A one-time link of an instructor's.")
@click.option("--learners", type=int, required=True)
@click.option("--rounds", type=int, default=4, show_default=True)
def main(url: str, code: str, workshop: str, link: str, learners: int, rounds: int) -> None:
    """Play one class on a server."""

    async def perform() -> Seen:
        play = Play(url, code, learners, rounds)
        await play.perform(link, workshop)
        return play.seen

    go_first()
    click.echo(json.dumps(_as_dict(asyncio.run(perform()))))


def _as_dict(seen: Seen) -> dict[str, object]:
    return {
        "joined": len(seen.joins),
        "join_p99_s": round(p99(seen.joins), 3),
        "keystroke_alone_p99_ms": round(p99(seen.keys_alone) * 1000, 2),
        "keystroke_p99_ms": round(p99(seen.keys) * 1000, 2),
        "keystrokes": len(seen.keys),
        "wall_lag_p99_s": round(p99(seen.wall), 3),
        "checks": len(seen.wall),
        "browsers": seen.browsers,
        "browser_join_s": round(max(seen.browser_joins, default=0.0), 3),
        "browser_answer_p99_ms": round(p99(seen.browser_answers) * 1000, 2),
        "processors_busy": round(seen.processors.busy, 3),
        "processors_of_server": round(seen.processors.server, 4),
        "processors_of_others": round(seen.processors.others, 3),
        "errors": seen.errors,
    }


if __name__ == "__main__":
    main()
