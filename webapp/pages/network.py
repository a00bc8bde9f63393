"""What the network between a browser and this server lets through, for whoever plans a class."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from webapp.preview.address import bare
from webapp.wiring import wired

blueprint = Blueprint("network", __name__)


@blueprint.get("/network")
def show() -> str:
    """The page, whose script tries each way; nobody has to sign in to open it."""
    return render_template(
        "network/page.html", trial=wired().settings.previews.trial(bare(request.host))
    )
