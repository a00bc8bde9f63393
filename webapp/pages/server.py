"""The server's page: what `./slipway doctor` says, what runs, and what room is left."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, url_for

from webapp.pages.staff import instructor
from webapp.problems import Problem
from webapp.wiring import wired
from webapp.workshops.server_state import look

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("server", __name__, url_prefix="/server")

SOON_S = 10.0
"""A report that is this young is given again, however often somebody presses."""


@blueprint.get("")
def show() -> str:
    """What is wrong first."""
    person = instructor()
    return render_template(
        "server/page.html", person_name=person.name, state=look(wired().engine, wired().pumps)
    )


@blueprint.post("/check")
def check() -> Response:
    """Looks at everything anew."""
    instructor()
    with suppress(Problem):  # the page says it
        wired().engine.server_doctor(time.time() - SOON_S)
    return redirect(url_for(".show"))
