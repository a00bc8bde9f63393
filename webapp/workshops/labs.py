"""Who has which lab now.

What the runtime said last, kept in memory and read anew after each silence.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.base import LearnerId
from webapp.problems import Problem, lab_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from webapp.engines.seam import Engine
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.news import News

log = structlog.get_logger()

KEY_PREFIX = "learner-"
START_S = 10.0
"""So long the runtime may take to start beside the web, before anybody says that it is away."""
RENEWED = "Your new container is being set up as this step begins."
ENDINGS = {
    "died": "Your container has ended. What you reached is kept; load the page again "
    "for a new one.",
    "expired": "Your container's time is up. What you reached is kept.",
    "idle": "Your container ended: nobody had used it for a while, and somebody waited for its "
    "place. What you reached is kept; load the page again to get in line.",
    "removed": "Your container was taken away. What you reached is kept.",
}
MACHINE_LIVES = {"queued", "booting", "ready", "ending"}
ENVELOPE = {"seq", "at", "type", "lab"}
CONSOLE = "m"
"""The name of the machine's terminal, beside the container's shells 1, 2, …"""


class Labs:
    """The labs of all learners.

    Args:
        engine: makes and ends them.
        news: hears of each change.

    Attributes:
        is_away: the runtime didn't answer when it was asked last, so that nothing is asked of it.
        is_lost: and that is no longer because it is only starting; whom it concerns was told.
    """

    def __init__(self, engine: Engine, news: News) -> None:
        self._engine = engine
        self._news = news
        self._by_learner: dict[LearnerId, dict[str, Any]] = {}
        self._renewed: dict[LearnerId, str] = {}
        self._is_read = False
        self._began = time.monotonic()
        self.is_away = self.is_lost = False

    def of(self, learner_id: LearnerId) -> dict[str, Any] | None:
        """The learner's lab as far as we know; None where there is none, or none yet to work in."""
        return None if learner_id in self._renewed else self._by_learner.get(learner_id)

    def has_one(self, learner_id: LearnerId) -> bool:
        """Whether they have a lab, or one is just being set up for them."""
        return learner_id in self._renewed or learner_id in self._by_learner

    @property
    def are_known(self) -> bool:
        """Whether we know who has one: the runtime was asked since it, or this process, began."""
        return self._is_read and not self.is_away

    @property
    def are_awaited(self) -> bool:
        """Whether the runtime said nothing yet, and may well be starting as this process does."""
        return not self._is_read and time.monotonic() - self._began < START_S

    def renewal_of(self, learner_id: LearnerId) -> str | None:
        """How far the fresh lab is that is just being set up for them; None: none is."""
        return self._renewed.get(learner_id)

    def tell_renewal(self, learner_id: LearnerId, done: int, of: int) -> None:
        """So many commands of so many were run in it."""
        if learner_id in self._renewed:
            self._renewed[learner_id] = f"{RENEWED} {done} of {of} commands are done."
            self._news.tell("lab", learner_id)

    def owners(self) -> list[LearnerId]:
        """Everyone who has a lab."""
        return list(self._by_learner)

    def by_lab(self) -> dict[str, LearnerId]:
        """Whose each lab is."""
        return {lab["lab"]: who for who, lab in list(self._by_learner.items())}

    def key_of(self, lab_id: str) -> str | None:
        """Whose lab this is, as a lab key."""
        learner_id = self._owner(lab_id)
        return None if learner_id is None else f"{KEY_PREFIX}{learner_id}"

    def give(self, learner: Learner, workshop: Workshop) -> dict[str, Any]:
        """The learner's lab; made if there is none, and only one however often it is asked for.

        Raises:
            Problem: the runtime's own: `server-full`, `image-unknown`, `runtime-away`, ….
        """
        lab = self._engine.lab_create(
            key=learner.lab_key, until=learner.kept_until(workshop).timestamp(), **workshop.shape
        )
        self._by_learner[learner.id] = lab
        self.boot(learner.id)
        return lab

    @contextmanager
    def renewing(
        self, learner: Learner, workshop: Workshop, first: Callable[[], None]
    ) -> Iterator[str]:
        """Puts a fresh lab in the place of the learner's; nobody works in it within this block.

        Gives its id. The place is kept: whoever waits in line doesn't get it.

        Raises:
            Problem: `lab-none`, also while that goes on already; or as `give`.
        """
        if self.of(learner.id) is None:
            raise lab_none()
        self.hold(learner, workshop, first)
        with self.held(learner.id) as lab_id:
            yield lab_id

    def hold(self, learner: Learner, workshop: Workshop, first: Callable[[], None]) -> None:
        """Makes a lab for a learner, in the place of the one that they have.

        Nobody works in it before `held` was left.

        Args:
            learner: whose.
            workshop: theirs.
            first: called before there is another lab, when nobody works in theirs any more.

        Raises:
            Problem: as `give`.
        """
        self.shut(learner.id)
        with ExitStack() as undoing:
            undoing.callback(self.let_in, learner.id)
            first()
            old = self._by_learner.get(learner.id)
            self._by_learner[learner.id] = self._engine.lab_create(
                key=learner.lab_key,
                until=learner.kept_until(workshop).timestamp(),
                replaces=str(old["lab"]) if old else None,
                **workshop.shape,
            )
            undoing.pop_all()

    def shut(self, learner_id: LearnerId) -> None:
        """Lets nobody work in the learner's lab, if there is one, before `let_in`."""
        self._renewed[learner_id] = RENEWED
        self._news.tell("lab", learner_id)

    @contextmanager
    def held(self, learner_id: LearnerId) -> Iterator[str]:
        """Sets up the lab that is held for a learner, and then lets them in. Gives its id.

        Raises:
            Problem: `lab-none`.
        """
        try:
            if (lab := self._by_learner.get(learner_id)) is None:
                raise lab_none()  # it ended meanwhile
            yield str(lab["lab"])
        finally:
            self.let_in(learner_id)

    def let_in(self, learner_id: LearnerId) -> None:
        """Lets them work in their lab again."""
        del self._renewed[learner_id]
        self._news.tell("lab", learner_id)

    def is_paused(self, learner_id: LearnerId) -> bool:
        """Whether the learner has a lab that stands still."""
        return bool((self._by_learner.get(learner_id) or {}).get("is_paused"))

    def rest(self, learner_id: LearnerId, until: float, *, is_paused: bool) -> None:
        """Lets the learner's lab stand still or go on, and live until then; none is fine.

        Raises:
            Problem: the runtime's.
        """
        if (lab := self._by_learner.get(learner_id)) is not None:
            self._engine.lab_extend(lab["lab"], until)
            self._by_learner[learner_id] = self._engine.lab_pause(lab["lab"], is_paused=is_paused)

    def extend(self, learner_id: LearnerId, until: float) -> None:
        """Lets the learner's lab live until another time, in Unix seconds; none is fine.

        Raises:
            Problem: the runtime's.
        """
        if (lab := self._by_learner.get(learner_id)) is not None:
            self._by_learner[learner_id] = self._engine.lab_extend(lab["lab"], until)

    def boot(self, learner_id: LearnerId) -> None:
        """Boots the machine of a learner who works in one, unless it lives; their page hears.

        Raises:
            Problem: the runtime's.
        """
        lab = self._by_learner.get(learner_id)
        if lab is not None and lab.get("in_machine") and not is_in_machine_now(lab):
            lab["machine"] = self._engine.machine_boot(lab["lab"], "cold", rows=24, cols=80)
            self._news.tell("lab", learner_id)

    def allow(self, learner_id: LearnerId, names: Sequence[str]) -> None:
        """Lets the learner's lab, which has a list of names, reach these instead; none is fine.

        Raises:
            Problem: the runtime's.
        """
        if (lab := self._by_learner.get(learner_id)) is not None:
            self._engine.lab_allow(lab["lab"], names)

    def look(self, learner_id: LearnerId) -> None:
        """Asks anew how the learner's lab is, and tells their pages: it has other terminals.

        Raises:
            Problem: the runtime's.
        """
        if (lab := self._by_learner.get(learner_id)) is not None:
            self._by_learner[learner_id] = self._engine.lab_get(lab["lab"])
            self._news.tell("lab", learner_id)

    def remove(self, learner_id: LearnerId) -> None:
        """Ends the learner's lab; none is fine.

        Raises:
            Problem: `runtime-away`; the lab's own `until` ends it later.
        """
        lab = self._by_learner.pop(learner_id, None)
        if lab is not None:
            self._engine.lab_remove(lab["lab"])

    def give_up(self, learner_id: LearnerId) -> None:
        """Ends a lab that nobody uses, and tells its learner why.

        Raises:
            Problem: `runtime-away`; the lab lives.
        """
        if (lab := self._by_learner.pop(learner_id, None)) is None:
            return
        try:
            self._engine.lab_remove(lab["lab"])
        except Problem:
            self._by_learner[learner_id] = lab
            raise
        self._news.tell("lab", learner_id, **_ended("idle"))

    def refresh(self) -> None:
        """Takes the runtime's word for all labs.

        After a start of either side, and after lost events.
        """
        living = {
            LearnerId(int(lab["key"].removeprefix(KEY_PREFIX))): lab
            for lab in self._engine.lab_list()
            if lab["key"].startswith(KEY_PREFIX) and lab["key"].removeprefix(KEY_PREFIX).isdecimal()
        }
        changed = set(living) ^ set(self._by_learner)
        self._by_learner, self._is_read = living, True
        for learner_id in changed:
            self._news.tell("lab", learner_id, **({} if learner_id in living else _ended("died")))

    def heard(self, event: dict[str, Any]) -> None:
        """One event of the runtime's."""
        learner_id = self._owner(str(event.get("lab")))
        if learner_id is None:
            return
        match event["type"]:
            case "lab.ended" if event.get("reason") == "replaced":
                self._by_learner.pop(learner_id, None)  # the one in its place comes with its answer
            case "lab.ended":
                self._by_learner.pop(learner_id, None)
                self._news.tell("lab", learner_id, **_ended(str(event.get("reason"))))
            case "lab.limit":
                self._news.tell(
                    "limit", learner_id, limit=event.get("limit"), sentence=event.get("sentence")
                )
            case "machine.changed":
                self._machine_changed(learner_id, event.get("machine"))
            case "work.changed":
                facts = {key: value for key, value in event.items() if key not in ENVELOPE}
                self._news.tell("work", learner_id, **facts)
            case "shell.ended":
                self._news.tell("shell", learner_id, terminal=event.get("terminal"))
            case _:
                pass

    def _machine_changed(self, learner_id: LearnerId, machine: dict[str, Any] | None) -> None:
        """A machine tells of each stage; the lab is another one only where its shells are."""
        lab = self._by_learner[learner_id]
        before = (shells_of(lab), is_in_machine_now(lab))
        lab["machine"] = machine
        self._news.tell("machine", learner_id, machine=machine)
        if lab.get("in_machine") and (shells_of(lab), is_in_machine_now(lab)) != before:
            self._news.tell("lab", learner_id)

    def set_away(self, *, is_away: bool) -> None:
        """The runtime was lost, or is back; each learner with a page open hears it."""
        self.is_away = is_away
        is_lost = is_away and not self.are_awaited
        if is_lost == self.is_lost:
            return
        self.is_lost = is_lost
        log.warning("runtime.lost") if is_lost else log.info("runtime.found")
        for learner_id in list(self._by_learner):
            self._news.tell("lab", learner_id)

    def _owner(self, lab_id: str) -> LearnerId | None:
        return next(
            (owner for owner, lab in self._by_learner.items() if lab["lab"] == lab_id), None
        )


def is_ready(lab: Mapping[str, Any]) -> bool:
    """With its container; who works in its machine waits for that one's console."""
    return not lab.get("in_machine") or bool(shells_of(lab))


def is_in_machine_now(lab: Mapping[str, Any]) -> bool:
    """Whether a lab has a machine that lives, or is on its way."""
    return (lab.get("machine") or {}).get("state") in MACHINE_LIVES


def shells_of(lab: Mapping[str, Any]) -> list[str]:
    """The names of the terminals that its learner works in, by default the container's.

    The machine's console is none of them, unless they work in the machine alone.
    """
    if lab.get("in_machine"):
        return [CONSOLE] if is_in_machine_now(lab) and lab["machine"].get("terminal") else []
    names = [each["terminal"].rpartition(".")[2] for each in lab.get("terminals", [])]
    return [name for name in names if name != CONSOLE]


def _ended(reason: str) -> dict[str, str]:
    return {"state": "ended", "reason": reason, "sentence": ENDINGS.get(reason, ENDINGS["died"])}
