"""What a learner takes home: their files, a transcript, and a certificate that prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, request, url_for

from webapp import problems
from webapp.models.events import events_of
from webapp.models.people import learner_by_certificate
from webapp.pages.projector import qr_picture
from webapp.pages.staff import learners_address
from webapp.problems import Problem, http_status
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops.certificates import certificate_of, certify
from webapp.workshops.keepsakes import transcript
from webapp.workshops.times import clock_time

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop

blueprint = Blueprint("keepsakes", __name__)
certificates = Blueprint("certificates", __name__)


@blueprint.get("/work")
def show_work() -> ResponseReturnValue:
    """What there is to take home, and until when."""
    place = _place()
    return _page(*place) if place else redirect("/")


@blueprint.get("/work/files.tar.gz")
def download_files() -> ResponseReturnValue:
    """What the learner changed in their lab, while it lives."""
    place = _place()
    if place is None:
        return redirect("/")
    files = wired().keepsakes.files(place[0].id)
    return Response(files, mimetype="application/gzip", headers=_called("files", "tar.gz"))


@blueprint.get("/work/transcript.txt")
def download_transcript() -> ResponseReturnValue:
    """Every check and answer of the learner, as text."""
    place = _place()
    if place is None:
        return redirect("/")
    learner, workshop = place
    known = wired().library.lessons
    with wired().database.read() as session:
        events = events_of(session, learner.id)
    lessons = [known[name] for name in workshop.lessons if name in known]
    text = transcript(learner, workshop, lessons, events)
    return Response(text, mimetype="text/plain", headers=_called("transcript", "txt"))


@blueprint.post("/work/certificate")
def make_certificate() -> ResponseReturnValue:
    """Makes it, under a name that the learner chose; pressed again, the name is another."""
    place = _place()
    if place is None:
        return redirect("/")
    try:
        name = certify(wired().database, place[0].id, request.form.get("name", ""))
    except Problem as problem:
        return _page(*place, problem), http_status(problem)
    return redirect(url_for("certificates.show_certificate", certificate_id=name))


@certificates.get("/c/<certificate_id>")
def show_certificate(certificate_id: str) -> Response:
    """The certificate, for whoever has its address; searchers are asked to leave it alone."""
    with wired().database.read() as session:
        learner = learner_by_certificate(session, certificate_id)
        if learner is None:
            raise problems.not_found()
        certificate = certificate_of(session, learner, wired().library)
    address = learners_address().url or request.host_url.rstrip("/")
    link = f"{address}/c/{certificate.id}"
    page = render_template(
        "keepsakes/certificate.html", certificate=certificate, link=link, qr=qr_picture(link)
    )
    return Response(page, headers={"X-Robots-Tag": "noindex"})


def _page(learner: Learner, workshop: Workshop, problem: Problem | None = None) -> str:
    with wired().database.read() as session:
        certificate = certificate_of(session, learner, wired().library)
    return render_template(
        "keepsakes/page.html",
        learner=learner,
        workshop=workshop,
        has_lab=wired().labs.of(learner.id) is not None,
        until=clock_time(learner.ends_at(workshop)),
        certificate=certificate,
        name=request.form.get("name", certificate.name or learner.shown_name),
        problem=problem,
    )


def _place() -> tuple[Learner, Workshop] | None:
    visitor = current_visitor()
    if visitor.learner is None or visitor.workshop is None:
        return None
    return visitor.learner, visitor.workshop


def _called(what: str, suffix: str) -> dict[str, str]:
    """A file's name holds no name of a person: it lies in a folder of downloads for long."""
    return {"Content-Disposition": f"attachment; filename=slipway-{what}.{suffix}"}
