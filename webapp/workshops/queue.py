"""The waiting line: who comes in when the workshop or the server is full.

It moves by itself, in order.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from webapp import background, problems
from webapp.models.base import now
from webapp.models.people import Learner, begin_set_up, count_admitted, waiting_learners
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.forgetting import GONE
from webapp.workshops.labs import is_in_machine_now, is_ready
from webapp.workshops.times import clock_time, ordinal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId, WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()

SERVER_FULL = "server-full"
IN = {"ready", "making"}
PATIENCE_S = 1.0
"""So long the next in line waits for the one before them. A server that is full says so at once, so
who has no answer by then has a place, and a lab that takes its time."""
UNKNOWN = "Slipway looks which containers there are; then yours is made."


@dataclass(frozen=True)
class Place:
    """Where a learner stands between joining and typing.

    Attributes:
        state: `waiting`, `making`, `ready`, `ended`, `away`.
        place: the number in line, from 1; while waiting only.
        lab: the runtime's words for the lab; when ready only.
        sentence: what the learner reads; empty when ready.
    """

    state: str
    place: int | None = None
    lab: dict[str, Any] | None = None
    sentence: str = ""


class Line:
    """Lets learners in, first come first.

    A place of the workshop is taken in the database before the lab is asked for, and outside any
    lock, so that forty who join at once are served at once; whoever finds the server full goes back
    into the line. Nobody waits for somebody else's lab: not who moves the line, nor who is next.
    """

    def __init__(self, database: Database, labs: Labs, news: News) -> None:
        self._database = database
        self._labs = labs
        self._news = news
        self._asking = threading.Lock()
        self._is_asked = self._is_moving = False
        self._server_is_full = False  # nobody is tried until the line moves
        self._was_full = False  # the runtime's last word, which holds while the next is tried
        self._tried: dict[LearnerId, Learner] = {}
        self._told: object = None  # of the line, when those in it last heard that it is another

    def place_of(self, learner_id: LearnerId) -> Place:
        """Where the learner stands now; asks for their lab when they are in and have none.

        May wait for the runtime: never call it while writing to the database.
        """
        with self._database.read() as session:
            learner = session.get(Learner, learner_id)
            workshop = session.get(Workshop, learner.workshop_id) if learner else None
        if learner is None or workshop is None:
            return Place("ended", sentence=GONE)
        if workshop.ended_at is not None or learner.ends_at(workshop) <= workshop.moment:
            return _over(workshop)
        if learner.lined_up_at is None:
            learner = self._line_up(learner_id)
        if learner.admitted_at is None:
            if not self._take_place(learner, workshop):
                return self._waiting(learner, workshop)
        elif self._is_tried_again(learner_id):
            return self._waiting(learner, workshop)
        try:
            return self._seat(learner, workshop)
        finally:
            self._tried.pop(learner_id, None)

    def seat(self, learner_id: LearnerId) -> None:
        """Asks for the learner's lab ahead of their page, so that it is ready when they come."""
        self.place_of(learner_id)

    def move(self) -> None:
        """Lets in as many as there is room for; called whenever room may have appeared.

        Returns at once: one thread does it, and once more for all who ask meanwhile.
        """
        with self._asking:
            self._is_asked = True
            if self._is_moving:
                return
            self._is_moving = True
        threading.Thread(target=self._move, name="line", daemon=True).start()

    def _move(self) -> None:
        while self._is_to_move():
            background.turn("line", self._let_in)

    def _is_to_move(self) -> bool:
        with self._asking:
            self._is_moving, self._is_asked = self._is_asked, False
            return self._is_moving

    def _let_in(self) -> None:
        self._server_is_full = False
        waiting, before = self._whole_line()
        for learner in waiting:
            if self._server_is_full or self._labs.is_away:
                break
            self._try(learner.id)
        _, after = self._whole_line()
        is_news = not self._told == before == after
        self._told = after
        for learner in waiting if is_news else ():
            self._news.tell("lab", learner.id)  # whose number or whose class is another now

    def _whole_line(self) -> tuple[list[Learner], object]:
        """Who waits, and all that they are told of it: equal as long as that is the same."""
        with self._database.read() as session:
            waiting = waiting_learners(session)
            classes = (
                session.get_one(Workshop, each)
                for each in sorted({learner.workshop_id for learner in waiting})
            )
            places = [
                (
                    each.max_learners,
                    each.starts_at,
                    each.starts_at > now(),
                    count_admitted(session, each.id),
                )
                for each in classes
            ]
        return waiting, ([each.id for each in waiting], places)

    def _try(self, learner_id: LearnerId) -> None:
        """Lets one who waits in, where there is room; waits for their lab only so long."""

        def look() -> None:
            if self.place_of(learner_id).state in IN:
                log.info("learner.admitted", learner=learner_id)

        if not background.within(PATIENCE_S, "line's next", look):
            self._tried.pop(learner_id, None)

    def _line_up(self, learner_id: LearnerId) -> Learner:
        """Puts one whose unused lab gave way, and who is back, at the end of the line."""
        with self._database.write() as session:
            learner = session.get_one(Learner, learner_id)
            learner.lined_up_at = now()
        return learner

    def _take_place(self, learner: Learner, workshop: Workshop) -> bool:
        """Takes one of the workshop's places, unless there is none or someone came before."""
        if self._server_is_full or workshop.starts_at > now():
            return False
        with self._database.write() as session:
            taken = count_admitted(session, workshop.id)
            line = self._line(session, workshop.id)
            is_first = learner.is_staff or not line or line[0] == learner.id
            if not learner.is_staff and (taken >= workshop.max_learners or not is_first):
                return False
            session.get_one(Learner, learner.id).admitted_at = now()
            self._tried[learner.id] = learner
            return True

    def _is_tried_again(self, learner_id: LearnerId) -> bool:
        """Whether a late comer is just tried on a server that was full.

        A lab that is held for them is news of theirs, also where there turns out to be no room.
        """
        is_held = self._labs.renewal_of(learner_id) is not None
        return self._was_full and learner_id in self._tried and is_held

    def _line(self, session: Session, workshop_id: WorkshopId | None = None) -> list[LearnerId]:
        """Who waits, first come first: of one workshop, or all.

        Who is being tried on a server that was full is still in line: they may well come back, and
        nobody shall be told another number meanwhile, or be served before them.
        """
        waiting = {each.id: each for each in waiting_learners(session)}
        if self._was_full:
            waiting |= self._tried
        line = sorted(waiting.values(), key=lambda each: (each.lined_up_at or now(), each.id))
        return [each.id for each in line if workshop_id in {None, each.workshop_id}]

    def _seat(self, learner: Learner, workshop: Workshop) -> Place:
        if (how_far := self._labs.renewal_of(learner.id)) is not None:
            return Place("making", sentence=how_far)
        if (lab := self._labs.of(learner.id)) is not None and not self._labs.is_away:
            return _ready(lab)
        if workshop.is_paused:
            return Place("waiting", sentence=f"{problems.workshop_paused(workshop.paused_by)}")
        if learner.begins_with is not None and not self._labs.are_known:
            return Place("away", sentence=UNKNOWN)  # it may be there, with their work in it
        try:
            place = self._make(learner, workshop)
        except Problem as problem:
            if problem.code != SERVER_FULL:
                if not self._labs.are_awaited:
                    log.warning("lab.refused", learner=learner.id, code=problem.code)
                return Place("away", sentence=f"{problem.sentence} {problem.hint}".strip())
        else:
            self._was_full = False
            return place if self._goes_on(learner.id) else _over(workshop)
        self._server_is_full = self._was_full = True
        with self._database.write() as session:
            session.get_one(Learner, learner.id).admitted_at = None
        return self._waiting(learner, workshop)

    def _make(self, learner: Learner, workshop: Workshop) -> Place:
        """Asks for their lab; that of a late comer is held until it was set up for them."""
        if learner.begins_with is None:
            lab = self._labs.give(learner, workshop)
            were_brought = self._were_brought(learner.id)
            if (how_far := self._labs.renewal_of(learner.id)) is not None:  # who asked, too
                return Place("making", sentence=how_far)
            if not were_brought:
                self._news.tell("seated", learner.id, held=False)
                return _ready(lab)
        self._labs.hold(learner, workshop, lambda: self._note_set_up(learner.id))
        place = Place("making", sentence=self._labs.renewal_of(learner.id) or "")
        self._news.tell("seated", learner.id, held=True)
        return place

    def _goes_on(self, learner_id: LearnerId) -> bool:
        """Whether their class does; one that ended while their lab was made found none to end."""
        with self._database.read() as session:
            learner = session.get(Learner, learner_id)
            workshop = session.get(Workshop, learner.workshop_id) if learner else None
        if workshop is not None and workshop.ended_at is None:
            return True
        with suppress(Problem):  # the runtime's deadline ends it then
            self._labs.remove(learner_id)
        return False

    def _were_brought(self, learner_id: LearnerId) -> bool:
        """Whether somebody brought them to a step while their lab was made.

        As one who changes something: so it is before or after those who bring somebody and look, in
        the same way, whether there is a lab (`Pacing`), and never between the two.
        """
        with self._database.write() as session:
            learner = session.get(Learner, learner_id)
            return learner is not None and learner.begins_with is not None

    def _note_set_up(self, learner_id: LearnerId) -> None:
        with self._database.write() as session:
            begin_set_up(session, learner_id)

    def _waiting(self, learner: Learner, workshop: Workshop) -> Place:
        if workshop.starts_at > now():
            early = problems.workshop_early(clock_time(workshop.starts_at))
            return Place("waiting", sentence=str(early))
        with self._database.read() as session:
            line, mine = self._line(session), self._line(session, workshop.id)
            taken = count_admitted(session, workshop.id)
        if self._was_full:
            taken -= sum(each.workshop_id == workshop.id for each in self._tried.values())
        if taken >= workshop.max_learners and not learner.is_staff:
            full = problems.workshop_full(taken, workshop.max_learners)
            place = _position(learner.id, mine)
            said = f"{full} You are {ordinal(place)} in line."
            return Place("waiting", place, sentence=said)
        place = _position(learner.id, line)
        return Place(
            "waiting",
            place,
            sentence=f"The server is full: you are {ordinal(place)} in line. You start by yourself "
            "when a lab ends; the lesson's text is ready to read.",
        )


def _over(workshop: Workshop) -> Place:
    return Place("ended", sentence=problems.workshop_over(workshop.title).sentence)


def _ready(lab: dict[str, Any]) -> Place:
    if is_ready(lab):
        return Place("ready", lab=lab)
    if is_in_machine_now(lab):
        return Place("making", sentence="Your machine boots next: it has a kernel of its own.")
    sentence = (lab.get("machine") or {}).get("sentence", "")
    return Place("ended", sentence=f"{sentence} Load the page again to boot it anew.".strip())


def _position(learner_id: LearnerId, line: list[LearnerId]) -> int:
    """The number in line, from 1; who isn't in it any more is next."""
    return line.index(learner_id) + 1 if learner_id in line else 1
