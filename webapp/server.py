"""The one file that knows eventlet. Another server would replace this file alone."""

from __future__ import annotations

import socket
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from webapp.settings import Settings

CONNECTIONS_MOST = 8192  # eventlet's own 1024 would count each learner's websocket
# Nothing read and nothing written for so long ends a connection; a websocket is pinged sooner.
SILENCE_MOST_S = 90
BACKLOG = 512
URL_LENGTH_MOST = 8192


def serve(settings: Settings) -> None:
    """Serves until the process is ended.

    Patches the standard library first: nothing of Flask may be imported yet.
    """
    with warnings.catch_warnings():
        # By its text, since its class can't be had before the import that warns.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated", category=Warning)
        import eventlet
    eventlet.monkey_patch()

    import eventlet.tpool
    import eventlet.wsgi

    from webapp import create_app
    from webapp.crowd import HELD, Crowd
    from webapp.log import init_log
    from webapp.sockets.rights import Rights

    init_log()
    app = create_app(settings, offload=eventlet.tpool.execute, async_mode="eventlet")
    app.extensions["slipway"].clock.begin()
    Rights(app.extensions["slipway"]).begin()
    app.extensions["slipway"].recordings.begin()
    app.extensions["slipway"].idle.begin()
    app.extensions["slipway"].busy.begin()
    app.extensions["slipway"].activity.begin()
    app.extensions["slipway"].screens.begin()
    app.extensions["slipway"].watching.begin()
    app.extensions["slipway"].forgetting.begin()
    crowd = Crowd()

    class Protocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
        """A connection that is counted, and closed when it is one too many."""

        def handle(self) -> None:
            self.is_over = False
            self.held = crowd.came(self._end)
            try:
                super().handle()
            finally:
                self.held.left()

        def get_environ(self) -> WSGIEnvironment:
            self.held.asks()
            return {**super().get_environ(), HELD: self.held}

        def handle_one_response(self) -> None:
            # Half a head that ends there is a request like another to the standard library.
            if not self.is_over:
                super().handle_one_response()

        def _end(self) -> None:
            self.is_over = True
            with suppress(OSError):  # it is closed already
                self.connection.shutdown(socket.SHUT_RDWR)

    eventlet.wsgi.server(
        listening_socket(settings),
        _without_compression(app.wsgi_app),
        max_size=CONNECTIONS_MOST,
        socket_timeout=SILENCE_MOST_S,
        protocol=Protocol,
        url_length_limit=URL_LENGTH_MOST,
        log_output=False,
        debug=False,
    )


def listening_socket(settings: Settings) -> socket.socket:
    """The socket that the supervisor bound and passed on, or one of our own.

    Connections inherit TCP_NODELAY from it; eventlet sets none, and a small answer would wait for
    an acknowledgement.
    """
    if settings.listen_fd >= 0:
        listener = socket.socket(fileno=settings.listen_fd)
    else:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _without_compression(application: WSGIApplication) -> WSGIApplication:
    """Takes the offer of permessage-deflate out of each upgrade.

    eventlet accepts whatever is offered and has no switch; it costs 94 KiB a connection, and the
    pump that takes terminals over doesn't speak it.
    """

    def plain(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return application(environ, start_response)

    return plain
