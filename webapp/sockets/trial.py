"""A websocket for anybody to try whether the network between lets one through; it ends at once."""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.sockets.terminal import accept_key, browser_socket, check_origin, let_go, opening
from webapp.terminals import frames

blueprint = Blueprint("trial", __name__)

_DONE = 1000


@blueprint.route("/network/live", websocket=True)
def open_trial() -> Response:
    """Answer the opening, and say good-bye."""
    accept = accept_key()
    check_origin()
    sock = browser_socket()
    sock.sendall(opening(accept) + frames.close(_DONE, ""))
    let_go(sock)
    return Response(status=204, headers={"Connection": "close"})
