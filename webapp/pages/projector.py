"""The QR picture of a link, drawn into the page: no request of its own, sharp at any size."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def qr_picture(link: str) -> Markup:
    """An SVG for the page, dark on white whatever the theme: cameras want it so."""
    picture = io.BytesIO()
    segno.make(link, error="m").save(
        picture,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        border=4,
        dark="#000",
        light="#fff",
    )
    return Markup(picture.getvalue().decode())  # noqa: S704 -- segno draws squares; the link isn't in it
