"""`slipway workshop`: open a class without a browser."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.lesson_format.library import load_library
from webapp.models.people import learners_of
from webapp.models.workshops import all_workshops, workshop_by_code
from webapp.problems import code_unknown
from webapp.workshops import deeds
from webapp.workshops.allowed_names import read_names
from webapp.workshops.codes import plain_code
from webapp.workshops.exporting import results_csv, results_json
from webapp.workshops.forgetting import forget
from webapp.workshops.opening import Plan, left_out, open_workshop, usual_lessons
from webapp.workshops.recordings import CHOICES
from webapp.workshops.results import results_of
from webapp.workshops.times import duration


@click.group()
def workshop() -> None:
    """Open workshops, read what they came to, and forget them."""


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
        deeds.keep(database, "workshops.open_one", workshop=opened.public_id)
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


@workshop.command(name="list")
@parts.data_option
@click.option("--json", "as_json", is_flag=True, help="Print one list.")
def list_all(*, as_json: bool) -> None:
    """Every workshop that is kept, newest first: code, how many learners, until when, title."""
    with parts.opened_database(parts.settings()) as database, database.read() as session:
        found = [
            {
                "code": each.code,
                "title": each.title,
                "learners": len(learners_of(session, each.id)),
                "opened_at": each.opened_at.isoformat(),
                "ended_at": each.ended_at.isoformat() if each.ended_at else None,
            }
            for each in all_workshops(session)
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for each in found:
        until = f"ended {each['ended_at']:.16}" if each["ended_at"] else "goes on"
        click.echo(f"{each['code']}  {each['learners']:4}  {until:24}  {each['title']}")


@workshop.command()
@parts.data_option
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="All of it, as one object.")
@click.option("--csv", "is_table", is_flag=True, help="A line for each learner and step.")
def results(code: str, *, as_json: bool, is_table: bool) -> None:
    """What a class came to; without an option, how far each learner is."""
    settings = parts.settings()
    library = load_library(settings.lessons)
    with parts.opened_database(settings) as database, database.read() as session:
        found = workshop_by_code(session, plain_code(code))
        if found is None:
            raise code_unknown(code)
        came_to = results_of(session, found, library)
    if as_json:
        click.echo(json.dumps(results_json(came_to)))
    elif is_table:
        click.echo(results_csv(came_to), nl=False)
    else:
        for row in came_to.rows:
            passed = sum(each.progress.is_passed for each in row.cells.values())
            time, name = duration(row.time_s), row.learner.shown_name
            click.echo(f"{passed:3} of {len(row.cells)} steps  {time:>8}  {name}")


@workshop.command(name="forget")
@parts.data_option
@click.argument("code")
@click.option("--for-good", is_flag=True, help="Do it; without this, say only what would go.")
def forget_one(code: str, *, for_good: bool) -> None:
    """Delete all there is of a workshop that is over: learners, what they did, recordings."""
    settings = parts.settings()
    with parts.opened_database(settings) as database:
        with database.read() as session:
            found = workshop_by_code(session, plain_code(code))
            if found is None:
                raise code_unknown(code)
            count = len(learners_of(session, found.id))
        if not for_good:
            click.echo(f"{found.title}: all data of {count} learners would go. Give --for-good.")
            raise SystemExit(1)
        forget(database, settings.web_path, found.id)
        deeds.keep(database, "workshops.forget", title=found.title)
    click.echo(f"{found.title} and all data of {count} learners are gone.", err=True)
