"""What learners call their terminals: the same in each browser of theirs, and for who teaches.

Kept with the learner, since the runtime has no use for it. A lab that ended takes its names along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.models.people import Learner
from webapp.workshops.joining import what_shows

if TYPE_CHECKING:
    from webapp.models.base import LearnerId
    from webapp.models.database import Database

LENGTH_MOST = 24


def names_of(database: Database, learner_id: LearnerId, lab_id: str) -> dict[str, str]:
    """The names of a lab's terminals, by number; those without one are left out."""
    with database.read() as session:
        given = session.get_one(Learner, learner_id).terminal_names
    return {each.rpartition(".")[2]: name for each, name in given.items() if _is_in(lab_id, each)}


def call_terminal(database: Database, learner_id: LearnerId, terminal: str, raw: str) -> None:
    """Gives a terminal a name, less what can't be seen; without any it has its number again.

    Args:
        database: where learners are.
        learner_id: whose terminal it is.
        terminal: `LAB.NAME`; one that lives, so that no more names are kept than terminals.
        raw: as it was typed; cut after `LENGTH_MOST` characters.
    """
    lab_id = terminal.partition(".")[0]
    name = what_shows(raw[:LENGTH_MOST])
    with database.write() as session:
        learner = session.get_one(Learner, learner_id)
        kept = {each: name for each, name in learner.terminal_names.items() if _is_in(lab_id, each)}
        named = {**kept, terminal: name}
        learner.terminal_names = {each: name for each, name in named.items() if name}


def _is_in(lab_id: str, terminal: str) -> bool:
    return terminal.partition(".")[0] == lab_id
