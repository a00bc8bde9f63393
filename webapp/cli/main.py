"""The web's nouns: one file each. A Problem is its sentence on stderr and an exit code."""

from __future__ import annotations

import os
import sys

import click

from webapp.cli.audit import audit
from webapp.cli.backup import backup
from webapp.cli.database import database
from webapp.cli.greet import greet
from webapp.cli.lesson import lesson
from webapp.cli.person import person
from webapp.cli.workshop import workshop
from webapp.log import init_log
from webapp.problems import Problem, exit_code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Workshops, people, lessons and the database of this server."""
    init_log()  # to stderr: stdout is the answer


for _noun in (workshop, person, audit, lesson, database, backup, greet):
    main.add_command(_noun)


def run() -> None:
    """Runs the command line; as root it goes on as the web's user.

    Otherwise SQLite's files become root's, and the web can't write them.
    """
    if os.geteuid() == 0 and "--help" not in sys.argv and not _is_for_root(sys.argv[1:]):
        words = ["-m", "runtime", "as-web", *sys.argv[1:]]
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 -- ourselves, in another skin
    try:
        main(prog_name="slipway")
    except Problem as problem:
        click.echo(str(problem), err=True)
        sys.exit(exit_code(problem))


def _is_for_root(words: list[str]) -> bool:
    """Lessons are tried in real labs by root, and open no database."""
    return words[:1] == ["lesson"]
