"""From a code and a name to a place in a workshop; and back to it by a PIN."""

from __future__ import annotations

import hmac
import unicodedata
from typing import TYPE_CHECKING

import structlog

from webapp import problems
from webapp.keys import derive_pin
from webapp.models.events import record
from webapp.models.people import Learner, learners_called, remember_browser, waiting_learners
from webapp.models.workshops import Workshop, workshop_by_code
from webapp.workshops.codes import plain_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from webapp.models.database import Database

log = structlog.get_logger()

NAME_LENGTH_MOST = 32
MARKS_MOST = 5
"""On one letter; with dozens of them it would be drawn over what stands above and below."""
_NAME_KEY_MOST = 128  # as long as its column; one sign may stand for 18 letters
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # fillers, which no font draws
LINE_LENGTH_MOST = 500


def clean_name(raw: str) -> str:
    """The name as typed, less what can't be seen: control and format characters, doubled spaces.

    A right-to-left name stays; the characters that would turn the rest of the page around go.

    Raises:
        Problem: `name-empty`, `name-too-long`.
    """
    name = what_shows(raw[: 8 * NAME_LENGTH_MOST])  # 50 kB of name cost no more than this
    if not any(unicodedata.category(each)[0] in "LNPS" for each in name):
        raise problems.name_empty()
    if len(name) > NAME_LENGTH_MOST or len(raw) > 8 * NAME_LENGTH_MOST:
        raise problems.name_too_long(max(len(name), len(raw)), NAME_LENGTH_MOST)
    return name


def what_shows(raw: str) -> str:
    """A text that somebody typed, less what can't be seen and doubled spaces."""
    normal = unicodedata.normalize("NFC", raw)
    return " ".join("".join(_seen(normal)).split())


def only_seen(raw: str) -> str:
    """The same of a line whose spaces mean something, such as a command."""
    return "".join(_seen(raw)).strip()


def name_key(name: str) -> str:
    """How names are compared: `Otter` and `otter` are the same."""
    return unicodedata.normalize("NFKC", name).casefold()[:_NAME_KEY_MOST]


def find_workshop(session: Session, raw_code: str) -> Workshop:
    """The open workshop that a learner's code leads to; case and dash are forgiven.

    Raises:
        Problem: `code-empty`, `code-unknown`, `workshop-over`.
    """
    code = plain_code(raw_code)
    if not code:
        raise problems.code_empty()
    workshop = workshop_by_code(session, code)
    if workshop is None:
        raise problems.code_unknown(raw_code.strip() if len(code) != 7 else code)
    if workshop.ended_at is not None:
        raise problems.workshop_over(workshop.title)
    return workshop


def join(
    database: Database, raw_code: str, raw_name: str, attempt: str, *, is_staff: bool = False
) -> tuple[Learner, str]:
    """Adds a learner to a workshop, or finds the one that the same form added a moment ago.

    The second of a name is another person, with a number. Nothing is asked of the runtime: the line
    does that.

    Args:
        database: where.
        raw_code: as typed.
        raw_name: as typed.
        attempt: the form's own random value.
        is_staff: an instructor who tries it.

    Returns:
        The learner, and the token for the browser's cookie.

    Raises:
        Problem: as `find_workshop` and `clean_name`; `line-full`.
    """
    name = clean_name(raw_name)
    with database.write() as session:
        workshop = find_workshop(session, raw_code)
        learner = (
            session.query(Learner).filter_by(attempt=attempt, workshop_id=workshop.id).one_or_none()
        )
        if learner is None:
            learner = _add(session, workshop, name, attempt, is_staff=is_staff)
        return learner, remember_browser(session, learner_id=learner.id)


def resume(
    database: Database, key: bytes, raw_code: str, raw_name: str, pin: str
) -> tuple[Learner, str]:
    """Signs another browser in as a learner who was here before.

    Args:
        database: where.
        key: the server's own, from which PINs are derived.
        raw_code: as typed.
        pin: as typed.
        raw_name: with its number or without: of several of one name, the PIN tells which it is.

    Returns:
        The learner, and the token for the browser's cookie.

    Raises:
        Problem: as `find_workshop` and `clean_name`; `pin-wrong`, for the caller to count and to
            say tries.
    """
    name = clean_name(raw_name)
    with database.write() as session:
        workshop = find_workshop(session, raw_code)
        for learner in _who_could_be(session, workshop, name):
            if hmac.compare_digest(derive_pin(key, learner.public_id, learner.pin_turn), pin):
                record(session, learner.id, "resumed")
                return learner, remember_browser(session, learner_id=learner.id)
    raise problems.pin_wrong(name, 0)


def who_could_be(database: Database, workshop: Workshop, raw_name: str) -> list[int]:
    """The learners that a PIN with this name would be tried on.

    Wrong PINs are counted by learner, since a name has many spellings: `otter 2`, `Otter 02`.

    Raises:
        Problem: as `clean_name`.
    """
    name = clean_name(raw_name)
    with database.read() as session:
        return [learner.id for learner in _who_could_be(session, workshop, name)]


def _add(
    session: Session, workshop: Workshop, name: str, attempt: str, *, is_staff: bool
) -> Learner:
    line = [each for each in waiting_learners(session) if each.workshop_id == workshop.id]
    if len(line) >= LINE_LENGTH_MOST:
        raise problems.line_full()
    same = learners_called(session, workshop.id, name_key(name))
    learner = Learner(
        workshop_id=workshop.id,
        name=name,
        name_key=name_key(name),
        number=max((each.number for each in same), default=0) + 1,
        attempt=attempt,
        is_staff=is_staff,
    )
    session.add(learner)
    session.flush()
    record(session, learner.id, "joined")
    if workshop.brought_to is not None and not is_staff:
        learner.begins_with = workshop.brought_to
        record(session, learner.id, "brought", workshop.brought_to, by=workshop.brought_by)
    log.info("learner.joined", learner=learner.id, workshop=workshop.id)
    return learner


def _who_could_be(session: Session, workshop: Workshop, name: str) -> list[Learner]:
    """Everyone of that name; with a number at its end, also the one who is shown so."""
    found = learners_called(session, workshop.id, name_key(name))
    stem, _, number = name.rpartition(" ")
    if stem and number.isdecimal() and len(number) < 5:
        same = learners_called(session, workshop.id, name_key(stem))
        found += [each for each in same if each.number == int(number)]
    return found


def _seen(text: str) -> Iterator[str]:
    marks = 0
    for each in text:
        if not (each.isspace() or _can_be_seen(each)):
            continue  # what goes doesn't part a letter from its marks
        marks = marks + 1 if unicodedata.category(each) in {"Mn", "Me"} else 0
        if marks <= MARKS_MOST:
            yield " " if each.isspace() else each


def _can_be_seen(character: str) -> bool:
    """No control, format (zero-width, bidi overrides), private or unassigned ones, no fillers."""
    return unicodedata.category(character)[0] != "C" and character not in _BLANK_LETTERS
