"""What create_app puts together, for the rooms to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app
from flask_socketio import SocketIO

from runtime.client import Client, Leaps, since_boot
from webapp.keys import load_key
from webapp.lesson_format.library import load_library
from webapp.metrics import Metrics
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database
from webapp.passwords import Passwords, run_here
from webapp.preview.address import Signer
from webapp.terminals.client import Pumps
from webapp.terminals.picture import Picture
from webapp.tries import Tries
from webapp.workshops.activity import Activity
from webapp.workshops.busy import Busy
from webapp.workshops.clock import Clock
from webapp.workshops.forgetting import Forgetting
from webapp.workshops.hands import Hands
from webapp.workshops.idle import Idle
from webapp.workshops.images import Stock
from webapp.workshops.keepsakes import Keepsakes
from webapp.workshops.keyboards import Keyboards
from webapp.workshops.labs import Labs
from webapp.workshops.leaping import Leaping
from webapp.workshops.limits_met import LimitsMet
from webapp.workshops.messages import Messages
from webapp.workshops.newcomers import Newcomers
from webapp.workshops.news import News
from webapp.workshops.pacing import Pacing
from webapp.workshops.pausing import Pausing
from webapp.workshops.presence import Presence
from webapp.workshops.queue import Line
from webapp.workshops.recordings import Recordings
from webapp.workshops.resetting import Resetting
from webapp.workshops.roster import Roster
from webapp.workshops.screens import Screens
from webapp.workshops.standing import Classes
from webapp.workshops.watching import Watching

if TYPE_CHECKING:
    from webapp.engines.seam import Engine
    from webapp.lesson_format.library import Library
    from webapp.passwords import Offload
    from webapp.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """One application's parts. A test makes its own, so nothing is shared between two.

    Attributes:
        key: the server's own secret; cookies and PINs are derived from it.
        library: the lessons, as read at the start.
        news: what rules tell and sockets pass on.
        labs: who has which lab now.
        line: those who wait for one.
        idle: unused labs that give way to them.
        busy: labs at full CPU that nobody types in.
        activity: who typed when, and where.
        classes: how far each class is.
        roster: what the wall says of each learner.
        hands: who wants somebody.
        watching: who looks at whose terminals.
        keyboards: who may type in them.
        messages: what classes are told.
        keepsakes: what learners take home.
        pacing: how far they may go.
        pausing: whether they stand still.
        resetting: fresh labs in the place of theirs.
        newcomers: labs that are set up before anybody works in them.
        screens: small pictures of their terminals.
        stock: images, those on their way among them.
        forgetting: deletes what was kept for long enough.
        leaping: moves classes along with a clock that is set.
        clock: what happens by itself, once it has begun.
        tries: wrong codes, PINs and passwords.
        signer: of the addresses of web previews.
        metrics: what is counted for whoever watches the server.
    """

    settings: Settings
    key: bytes
    database: Database
    engine: Engine
    pumps: Pumps
    library: Library
    news: News
    labs: Labs
    line: Line
    idle: Idle
    busy: Busy
    activity: Activity
    classes: Classes
    roster: Roster
    hands: Hands
    watching: Watching
    keyboards: Keyboards
    messages: Messages
    keepsakes: Keepsakes
    pacing: Pacing
    pausing: Pausing
    resetting: Resetting
    newcomers: Newcomers
    screens: Screens
    presence: Presence
    recordings: Recordings
    forgetting: Forgetting
    leaping: Leaping
    clock: Clock
    stock: Stock
    passwords: Passwords
    tries: Tries
    signer: Signer
    metrics: Metrics
    socketio: SocketIO


def wired() -> Wiring:
    """The parts of the application that serves this request."""
    return cast("Wiring", current_app.extensions["slipway"])


def wire(
    settings: Settings, engine: Engine | None = None, offload: Offload | None = None
) -> Wiring:
    """Makes the parts, bottom up, and brings the database up to date. Nothing runs by itself yet.

    Raises:
        Problem: `data-unwritable`, `database-newer`, `database-damaged`, `database-away`;
            `bad-setting` where no lessons can be seen.
    """
    settings.require_writable()
    settings.require_lessons()
    database = Database(settings.database)
    upgrade(database)
    engine = engine or Client(settings.runtime_socket)
    library = load_library(settings.lessons)
    news = News()
    labs = Labs(engine, news)
    line = Line(database, labs, news)
    stock = Stock(engine, library, settings.lessons)
    pumps = Pumps(settings.run, settings.pumps)
    presence = Presence(news)
    activity = Activity(pumps, labs)
    busy = Busy(engine, pumps, labs, news, minutes=settings.busy_minutes)
    classes = Classes(library)
    watching = Watching(database, pumps, labs, news)
    news.listen(LimitsMet(database).hear)  # first of all: the others read what it keeps
    pausing = Pausing(database, labs, news)
    pacing = Pacing(database, library, labs, news)
    resetting = Resetting(database, engine, labs, news)
    newcomers = Newcomers(database, labs, pacing, resetting)
    leaping = Leaping(database, labs, news, Leaps(since_boot))
    news.listen(newcomers.hear)
    metrics = Metrics(database, engine, pumps, presence)
    return Wiring(
        settings=settings,
        key=load_key(settings.web_path / "key"),
        database=database,
        engine=engine,
        pumps=pumps,
        library=library,
        news=news,
        labs=labs,
        line=line,
        idle=Idle(database, engine, pumps, labs, line, presence, minutes=settings.idle_minutes),
        busy=busy,
        activity=activity,
        classes=classes,
        roster=Roster(classes, labs, presence, busy, activity),
        hands=Hands(database, classes, news),
        watching=watching,
        keyboards=Keyboards(database, pumps, labs, presence, watching, news),
        messages=Messages(database, engine, labs, news),
        keepsakes=Keepsakes(engine, labs),
        pacing=pacing,
        pausing=pausing,
        resetting=resetting,
        newcomers=newcomers,
        screens=Screens(pumps, activity, Picture),
        presence=presence,
        recordings=Recordings(settings.web_path / "recordings", database, labs, pumps),
        forgetting=Forgetting(
            database,
            settings.web_path,
            days=settings.keep_days,
            audit_days=settings.audit_days,
        ),
        leaping=leaping,
        clock=Clock(
            database,
            engine,
            library,
            labs,
            line,
            news,
            stock,
            pausing,
            newcomers,
            leaping,
            also=metrics.heard,
            has_demo=settings.demo,
        ),
        stock=stock,
        passwords=Passwords(offload or run_here),
        tries=Tries(),
        signer=Signer(settings.preview_key),
        metrics=metrics,
        socketio=SocketIO(),
    )
