"""What the pumps were granted, compared with what is right now.

A right is checked once, when a terminal is opened; its pump then carries it by itself, whatever
becomes of the web. So a web that comes back looks at all of them: a workshop may have ended or been
given more time, an instructor's sign-ins may have been ended on the command line.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import structlog

from webapp import background
from webapp.access import Visitor, may_type, may_watch
from webapp.models.people import (
    is_signed_in,
    learner_by_public_id,
    learner_with_key,
    watcher_of,
    watching_sign_in,
)
from webapp.models.workshops import Workshop
from webapp.visitors import visitor_by_sign_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.people import Learner
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

log = structlog.get_logger()

LOOK_S = 15.0


class Rights:
    """Keeps the pumps' grants true.

    Args:
        parts: of this application.
    """

    def __init__(self, parts: Wiring) -> None:
        self._parts = parts
        self._wake = threading.Event()
        self._is_unsure = False  # a grant's lab wasn't known, as when the web has just begun

    def begin(self) -> None:
        """Compares now and from time to time, in a thread (under eventlet a greenlet)."""
        self._parts.news.listen(self._hear)
        threading.Thread(target=self._look_for_ever, name="rights", daemon=True).start()

    def compare(self) -> None:
        """Takes back what is no longer right, and lets last what was given more time.

        Raises:
            Problem: `pump-away`; a pump that begins has no grants. `disk-full` where the clock was
                set, and that can't be followed.
        """
        self._parts.leaping.follow()  # no terminal is taken away because the clock was set
        grants = self._parts.pumps.grants()
        self._is_unsure = False
        with self._parts.database.read() as session:
            wanted = [self._wanted(session, grant) for grant in grants]
        for grant, right in zip(grants, wanted, strict=True):
            pump = self._parts.pumps.of(grant["terminal"])
            if right is None:
                log.info("grant.withdrawn", terminal=grant["terminal"])
                pump.withdraw(viewer=grant["viewer"])
            elif right != (grant["until"], grant["may"]):
                until, may = right
                pump.renew(viewer=grant["viewer"], until=until, may=may)

    def _wanted(self, session: Session, grant: dict[str, Any]) -> tuple[float, str] | None:
        """Until when a grant is right, in Unix seconds, and for what; None when it isn't.

        Of a lab that we don't know, the runtime tells the pump when it ends.
        """
        key = self._parts.labs.key_of(grant["terminal"].partition(".")[0])
        if key is None:
            self._is_unsure = True
            return float(grant["until"]), grant["may"]
        owner = learner_with_key(session, key)
        workshop = session.get(Workshop, owner.workshop_id) if owner else None
        visitor = _visitor(session, grant["person"])
        if owner is None or workshop is None or not may_watch(visitor, key, workshop):
            return None
        until = owner.kept_until(workshop).timestamp()
        return until, "watch" if workshop.is_paused else self._may(visitor, owner)

    def _may(self, visitor: Visitor, owner: Learner) -> str:
        """What a viewer may do while nothing is paused; a web that begins anew lent no keyboard."""
        if may_type(visitor, owner.lab_key):
            return "type"
        person = visitor.person
        is_lent = person is not None and self._parts.keyboards.is_lent_to(owner.id, person.id)
        return "help" if is_lent else "watch"

    def _hear(self, item: Item) -> None:
        if item.kind == "clock" or (item.kind == "lab" and self._is_unsure):
            self._wake.set()

    def _look_for_ever(self) -> None:
        while True:
            background.turn("grants", self.compare)
            self._wake.wait(LOOK_S)
            self._wake.clear()


def _visitor(session: Session, opaque: str) -> Visitor:
    """Whom the pump knows by this id, as far as they are signed in where they came from."""
    person_id, sign_in = watcher_of(opaque), watching_sign_in(opaque)
    if person_id is not None:
        return Visitor() if sign_in is None else visitor_by_sign_in(session, sign_in, person_id)
    learner = learner_by_public_id(session, opaque)
    if learner is None or not is_signed_in(session, learner):
        return Visitor()
    return Visitor(learner=learner, workshop=session.get(Workshop, learner.workshop_id))
