"""Whether a request may go to the service: who asks, and which page made them ask."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webapp.preview import cookies
from webapp.preview.address import Place, bare
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from webapp.preview.address import Seat, Signer
    from webapp.preview.headers import Origin


def seat_at(place: Place, sent: list[tuple[str, str]], signer: Signer) -> Seat:
    """The seat that a request's cookies show.

    Raises:
        Problem: `preview-shut`.
    """
    wanted = cookies.seat_name(place)
    for name, value in sent:
        if name == wanted and (seat := signer.seated(value)) and seat.place == place:
            return seat
    raise shut()


def check_page(
    headers: Mapping[bytes, bytes], origin: Origin, lab_at: Callable[[int | None], str | None]
) -> None:
    """Refuse what another site's page asks for in the viewer's name.

    A browser sends cookies along to every port of a host, and opens a websocket to any; so a page
    of another lab's, or of anybody's, could use what this viewer may. Those of one lab may ask each
    other.

    Args:
        headers: of the request.
        origin: of the preview.
        lab_at: whose lab a port of ours leads to.

    Raises:
        Problem: `preview-shut`.
    """
    said = headers.get(b"origin", b"").decode("latin-1")
    if not said or said == origin.text:
        return
    if said == "null" and headers.get(b"sec-fetch-site") == b"same-origin":
        return
    if _lab_of(said, origin, lab_at) != origin.seat.place.lab:
        raise Problem(
            "preview-shut",
            "Another site's page asked for this.",
            "Open the preview from the lesson.",
        )


def _lab_of(said: str, origin: Origin, lab_at: Callable[[int | None], str | None]) -> str | None:
    """Whose preview an origin is; None where it is none of this server's."""
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != origin.seat.scheme:
        return None
    if origin.is_named:
        label, _, domain = parts.netloc.partition(".")
        place = Place.of_label(label)
        return place.lab if place and domain == origin.host.partition(".")[2] else None
    is_ours = bare(parts.netloc) == bare(origin.host)
    return lab_at(port) if is_ours else None


def shut() -> Problem:
    """This browser has no seat here: it came by no ticket, or too late."""
    return Problem(
        "preview-shut",
        "This preview isn't open in this browser.",
        "Open it from the lesson, in a tab of its own if it was beside the text.",
    )
