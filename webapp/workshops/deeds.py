"""The audit log: what those who teach did, in which words it is told, and who may read it.

A deed is written together with what it changes in the database, or when it was done. Names of
learners aren't in it, only their public ids: their name is looked up when somebody reads, and is
gone with their data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from webapp.models.deeds import Deed, deeds_for
from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.workshops.joining import what_shows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.models.database import Database
    from webapp.models.people import Person

COMMAND_LINE = "command line"
SOMEBODY = "somebody"
PAGE_LINES = 100
_LETTERS_MOST = 200

WORDS: Mapping[str, str] = {
    # Ways in
    "account.welcome": "set a password by a one-time link",
    "account.sign_in": "signed in",
    "account.sign_out": "signed out",
    "account.wrong": "tried a wrong password for {name}",
    "account.end_one": "ended a sign-in of their own",
    "account.end_others": "ended all other sign-ins of their own",
    "account.set_password": "changed their password",
    # Accounts
    "people.invite": "invited {name} as {role}",
    "people.set_role": "changed the role of {name} to {role}",
    "people.reset": "made a new one-time link for {name}",
    "people.end_sign_ins": "signed {name} out everywhere",
    "people.remove": "removed the account of {name}",
    # Workshops
    "workshops.open_one": "opened the workshop",
    "workshops.try_it": "joined as a learner, to try it",
    "workshops.set_places": "set how many may join to {places}",
    "workshops.add_minutes": "gave {minutes} more minutes",
    "workshops.set_names": "changed the names that containers reach",
    "workshops.lower_hand": "lowered the hand",
    "workshops.note_privately": "wrote the private note",
    "workshops.end": "ended the workshop {when}",
    "workshops.forget": "deleted all data of the workshop {title}",
    "results.forget_all": "deleted all data of the workshop {title}",
    "results.forget_one": "deleted all data of the learner",
    # Pace
    "pace.lead": "{does} {step}",
    "pace.pause": "{does}",
    "pace.bring_one": "brought one learner to {step}",
    "pace.give_minutes": "gave {minutes} more minutes to one learner",
    "pace.hand_out_link": "made a one-time way back in",
    # Who helps
    "assistants.give": "gave it to {name} to help in",
    "assistants.take_back": "took it back from {name}",
    # At a learner's terminal, and to the class
    "wall.tell": "told {count} something",
    "wall.ask": "asked for the keyboard",
    "wall.leave": "gave the keyboard back",
    "terminal.watch": "began to watch the terminal",
    # The server
    "images.fetch": "fetched the image {name}",
    "images.fetch_missing": "fetched all missing images",
    "images.build": "built the image {name}",
    "images.load": "loaded an image from a file",
    "images.stop": "stopped fetching {name}",
    "images.remove": "removed the image {name}",
    "images.prune": "removed images that nothing needs",
    "server.check": "looked at the server anew",
}
"""Each deed and its sentence, without who did it; `{}` is one of its facts.

A form that is sent to one of the pages of those who teach is the deed `PAGE.FUNCTION`, a message of
the wall `wall.MESSAGE`; webapp/audit.py writes them.
"""


@dataclass(frozen=True)
class Line:
    """One deed, as it is read.

    Attributes:
        sentence: what was done.
        workshop: its title, `""` where it is about none, or is gone.
        workshop_id: its public id, for a link; `""` where there is none.
        learner: whom it is about, as the class knows them.
    """

    id: int
    at: datetime
    who: str
    what: str
    sentence: str
    workshop: str
    workshop_id: str
    learner: str
    learner_id: str

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "at": self.at.isoformat(),
            "who": self.who,
            "what": self.what,
            "sentence": self.sentence,
            "workshop": self.workshop_id or None,
            "title": self.workshop or None,
            "learner": self.learner or None,
        }


def deed(
    what: str,
    *,
    who: Person | None = None,
    called: str = COMMAND_LINE,
    **facts: object,
) -> Deed:
    """A row of the log, for a transaction to keep.

    Args:
        what: a key of `WORDS`.
        who: did it; None where nobody with an account did.
        called: who did it then.
        facts: `workshop` and `learner` by their public ids; what the sentence needs; no secret.
            Long ones are cut, and nothing in them can turn the rest of a line around.
    """
    workshop, learner = facts.pop("workshop", None), facts.pop("learner", None)
    short = {
        name: what_shows(value[:_LETTERS_MOST]) if isinstance(value, str) else value
        for name, value in facts.items()
    }
    return Deed(
        who=who.name if who else called,
        person=who.public_id if who else None,
        what=what,
        workshop=None if workshop is None else str(workshop),
        learner=None if learner is None else str(learner),
        facts=short,
    )


def keep(
    database: Database,
    what: str,
    *,
    who: Person | None = None,
    called: str = COMMAND_LINE,
    **more: object,
) -> None:
    """Writes one deed down that was done; as `deed`."""
    with database.write() as session:
        session.add(deed(what, who=who, called=called, **more))


def lines(
    session: Session,
    reader: Person | None,
    most: int = PAGE_LINES,
    *,
    before: int | None = None,
    person: str | None = None,
    workshop: str | None = None,
) -> list[Line]:
    """What was done, newest first, as far as `reader` may know it; as `deeds_for`."""
    deeds = deeds_for(session, reader, most, before=before, person=person, workshop=workshop)
    titles = _titles(session, {each.workshop for each in deeds if each.workshop})
    names = _names(session, {each.learner for each in deeds if each.learner})
    return [_line(each, titles, names) for each in deeds]


def _line(deed: Deed, titles: Mapping[str, str], names: Mapping[str, str]) -> Line:
    workshop = deed.workshop if deed.workshop in titles else None
    learner = deed.learner if deed.learner in names else None
    gone = "a learner whose data is deleted" if deed.learner and not learner else ""
    return Line(
        id=deed.id,
        at=deed.at,
        who=deed.who,
        what=deed.what,
        sentence=sentence(deed.what, deed.facts),
        workshop=titles[workshop] if workshop else "",
        workshop_id=workshop or "",
        learner=names[learner] if learner else gone,
        learner_id=learner or "",
    )


def sentence(what: str, facts: Mapping[str, Any]) -> str:
    """What was done, in words; a deed of a later or earlier Slipway stands there by its own name.

    Facts are put in once, as text: nothing that somebody typed is read as a pattern.
    """
    words = WORDS.get(what)
    return what if words is None else words.format_map(_Facts(facts))


class _Facts(dict[str, Any]):
    """What wasn't written down reads as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def _titles(session: Session, ids: set[str]) -> dict[str, str]:
    query = select(Workshop.public_id, Workshop.title).where(Workshop.public_id.in_(ids))
    return {row.public_id: row.title for row in session.execute(query)}


def _names(session: Session, ids: set[str]) -> dict[str, str]:
    query = select(Learner).where(Learner.public_id.in_(ids))
    return {each.public_id: each.shown_name for each in session.scalars(query)}
