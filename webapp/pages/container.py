"""“What is my container?”: each wall of the learner's own, live, with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template

from webapp import problems
from webapp.access import may_learn
from webapp.problems import Problem
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops.container_view import sections

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from webapp.models.people import Learner
    from webapp.workshops.container_view import Section

blueprint = Blueprint("container", __name__)


@blueprint.get("/container")
def show_container() -> ResponseReturnValue:
    """The page as it is now; its script keeps it fresh."""
    visitor = current_visitor()
    if visitor.learner is None or visitor.workshop is None:
        return redirect("/")
    if not may_learn(visitor):
        raise problems.workshop_over(visitor.workshop.title)
    found, problem = _look(visitor.learner)
    return render_template(
        "container/page.html",
        learner=visitor.learner,
        in_machine=visitor.workshop.in_machine,
        sections=found,
        problem=problem,
    )


def _look(learner: Learner) -> tuple[tuple[Section, ...], Problem | None]:
    lab = wired().labs.of(learner.id)
    if lab is None:
        return (), problems.lab_none()
    try:
        return sections(wired().engine.lab_walls(lab["lab"])), None
    except Problem as problem:
        return (), problem
