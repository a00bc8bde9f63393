"""The unprivileged half of Slipway: pages, workshops, the lesson player, the pump.

Nothing is imported at the top: eventlet must patch before Flask is loaded, and the pump wants no
Flask at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from flask import Flask

    from webapp.engines.seam import Engine
    from webapp.passwords import Offload
    from webapp.settings import Settings
    from webapp.wiring import Wiring

WIRE_BYTES_MOST = 1024 * 1024  # so that what is far too large is still refused by name


def create_app(
    settings: Settings,
    *,
    engine: Engine | None = None,
    offload: Offload | None = None,
    async_mode: Literal["threading", "eventlet"] = "threading",
) -> Flask:
    """Puts one web application together: the wiring page. No rule lives here.

    Args:
        settings: of this server.
        engine: what makes labs; the runtime at `settings.runtime_socket` when none is given.
        offload: runs a costly function without stopping the event loop.
        async_mode: Socket.IO's; `eventlet` under server.py.

    Raises:
        Problem: `database-newer`, `data-unwritable`.
    """
    from flask import Flask
    from jinja2 import StrictUndefined

    from webapp.forwarded import behind_proxies
    from webapp.settings import CHECKOUT
    from webapp.sockets.door import known_only
    from webapp.wiring import wire

    app = Flask("webapp", static_folder=CHECKOUT / "static", template_folder=CHECKOUT / "templates")
    wiring = wire(settings, engine=engine, offload=offload)
    app.extensions["slipway"] = wiring
    app.config.update(
        SECRET_KEY=wiring.key,
        SESSION_COOKIE_NAME="slipway_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # it wants a Referer over https, which our headers keep back
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _around_each_request(app, wiring)
    _pages(app)
    _sockets(app, wiring, async_mode)
    app.wsgi_app = known_only(app, app.wsgi_app)  # type: ignore[method-assign, assignment]
    proxies = settings.trusted_proxies, settings.proxy_addresses
    app.wsgi_app = behind_proxies(app.wsgi_app, *proxies)  # type: ignore[method-assign, assignment]
    return app


def _around_each_request(app: Flask, wiring: Wiring) -> None:
    """What is asked before a page, in this order, and done after it."""
    from flask_wtf.csrf import CSRFProtect

    from webapp.audit import init_audit
    from webapp.headers import init_headers
    from webapp.origins import init_origins
    from webapp.pages.assets import init_assets
    from webapp.pages.errors import init_errors
    from webapp.pages.prose import init_prose
    from webapp.pages.staff import init_staff
    from webapp.visitors import init_visitors

    init_origins(app)
    CSRFProtect(app)
    init_assets(app)
    init_prose(app)
    init_staff(app)
    init_errors(app)
    init_visitors(app)
    init_audit(app, wiring.database)
    init_headers(app)


def _pages(app: Flask) -> None:
    """The rooms of learners, of those who teach, and for anybody."""
    from webapp.pages import (
        account,
        assistants,
        audit,
        container,
        health,
        images,
        join,
        keepsakes,
        lesson,
        network,
        pace,
        people,
        preview,
        recordings,
        results,
        server,
        workshops,
    )
    from webapp.sockets import terminal, trial

    learner_rooms = (join, lesson, container, preview, recordings, keepsakes)
    staff_rooms = (account, workshops, assistants, pace, results, images, server, people, audit)
    for room in (*learner_rooms, *staff_rooms, health, network, terminal, trial):
        app.register_blueprint(room.blueprint)
    app.register_blueprint(keepsakes.certificates)  # for anybody


def _sockets(app: Flask, wiring: Wiring, async_mode: Literal["threading", "eventlet"]) -> None:
    """The one connection of a page, and its namespaces."""
    from webapp.origins import for_sockets
    from webapp.sockets import images, lesson, terminal, wall

    wiring.socketio.init_app(
        app,
        async_mode=async_mode,
        max_http_buffer_size=WIRE_BYTES_MOST,
        ping_interval=20,
        cors_allowed_origins=for_sockets(app),  # type: ignore[arg-type]  # a function does, too
    )
    for room in (lesson, terminal, wall, images):
        room.register(wiring.socketio, wiring)
