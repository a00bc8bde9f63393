"""`slipway workshop`: open a class without a browser."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.lesson_format.library import load_library
from webapp.workshops.allowed_names import read_names
from webapp.workshops.opening import Plan, left_out, open_workshop, usual_lessons
from webapp.workshops.recordings import CHOICES


@click.group()
def workshop() -> None:
    """Open workshops."""


@workshop.command()
@parts.data_option
@click.option(
    "--lessons",
    default="",
    help="Names, with commas between; if left out, all but those that need an engine in the lab.",
)
@click.option("--learners", default=40, show_default=True, help="How many may join.")
@click.option("--minutes", default=90, show_default=True, help="How long it goes on.")
@click.option(
    "--internet",
    type=click.Choice(["on", "off"]),
    default="off",
    show_default=True,
    help="Whether labs reach the internet.",
)
@click.option(
    "--allow",
    multiple=True,
    help="Labs reach this name only, *.NAME: all below it; may be given again.",
)
@click.option(
    "--recording",
    type=click.Choice(CHOICES),
    default="off",
    show_default=True,
    help="Whether terminals are recorded; kept: after the end, too.",
)
@click.option(
    "--own-figures",
    is_flag=True,
    help="free, nproc and /proc/meminfo show the container's figures, by lxcfs.",
)
@click.option(
    "--machines", is_flag=True, help="Each learner works in a machine of their own; no internet."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def create(
    lessons: str,
    learners: int,
    minutes: int,
    internet: str,
    allow: tuple[str, ...],
    recording: str,
    *,
    own_figures: bool,
    machines: bool,
    as_json: bool,
) -> None:
    """Open a workshop; prints its code and links.

    A running server takes it up within seconds, and ends the demo.
    """
    settings = parts.settings()
    library = load_library(settings.lessons)
    names = tuple(name.strip() for name in lessons.split(",") if name.strip())
    plan = Plan(
        names or usual_lessons(library),
        learners,
        minutes,
        internet=internet == "on" or bool(allow),
        allowed=read_names(" ".join(allow)) if allow else (),
        recording=recording,
        own_figures=own_figures,
        in_machine=machines,
    )
    with parts.opened_database(settings) as database:
        opened = open_workshop(database, library, plan)
    if not names and (missing := left_out(library)):
        click.echo(f"Without {', '.join(missing)}, which need an engine in the lab.", err=True)
    url = parts.own_url(settings)
    if not (learners_way := parts.address(settings)).url:  # the link is this machine's own
        click.echo(learners_way.note, err=True)
    facts = {
        "code": opened.code,
        "title": opened.title,
        "link": f"{url}/j/{opened.code}",
        "page": f"{url}/workshops/{opened.public_id}",
        "lessons": opened.lessons,
        "max_learners": opened.max_learners,
        "internet": opened.internet,
        "allowed": opened.allowed,
        "recording": opened.recording,
        "own_figures": opened.own_figures,
        "in_machine": opened.in_machine,
        "ends_at": opened.ends_at.isoformat(),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(f"Code:      {opened.code}\nLink:      {facts['link']}\nYour page: {facts['page']}")
