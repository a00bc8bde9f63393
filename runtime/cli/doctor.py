"""The noun `doctor`: what this machine can do, and what to mend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from runtime import settings
from runtime.cli.running import data_option
from runtime.doctor import Report, examine

if TYPE_CHECKING:
    from pathlib import Path

_SIGNS = {"good": "ok", "worse": "less", "missing": "MISSING"}


@click.command(name="doctor")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(data: Path | None, *, as_json: bool) -> None:
    """Say what this machine can do, and what to mend; 1 where labs can't run."""
    report = examine(settings.load({"data": data}))
    click.echo(json.dumps(report.as_dict()) if as_json else _text(report))
    raise SystemExit(0 if report.is_ready else 1)


def _text(report: Report) -> str:
    lines = [f"{_SIGNS[each.state]:8} {each.name:20} {each.found}" for each in report.findings]
    for each in report.findings:
        if each.state != "good":
            lines += ["", f"{each.name}: wanted is {each.wanted}.", f"  {each.fix}"]
    verdict = "Labs can run here." if report.is_ready else "Labs can't run here."
    kind = f"Machine {report.row.letter}: {report.row.what}; it gets {report.row.promise}."
    return "\n".join([*lines, "", kind, verdict])
