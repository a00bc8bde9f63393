"""Is this server well? For whatever watches it; no person reads this."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import text

from webapp.addresses import own_form
from webapp.problems import Problem, metrics_closed
from webapp.wiring import wired

if TYPE_CHECKING:
    from collections.abc import Callable

blueprint = Blueprint("health", __name__)

ROOM_BYTES = 64 << 20
"""With less than this on the disk, what learners do would soon be refused."""
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 when pages and labs can be had, else 503 with the reason."""
    reason = _first(_database, _runtime)
    return _answer({"ok": True} if reason is None else {"ok": False, "reason": reason})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when a class can come in: every part answers, and there is room; else 503, with why."""
    looks = {"database": _database, "disk": _disk, "runtime": _runtime, "pump": _pump}
    parts = {name: _first(look) or "ok" for name, look in looks.items()}
    return _answer({"ok": set(parts.values()) == {"ok"}, "parts": parts})


@blueprint.get("/metrics")
def metrics() -> Response:
    """What is counted and measured, in Prometheus' text format.

    Raises:
        Problem: `metrics-closed`.
    """
    if not _may_read():
        raise metrics_closed()
    return Response(wired().metrics.read(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read() -> bool:
    """Whoever shows the token; without one, who asks on this machine, and nobody through a proxy.

    A proxy on this machine comes from here, too: that is why its headers count, and why one that
    was configured closes the door.
    """
    settings = wired().settings
    if settings.metrics_token:
        shown = request.headers.get("Authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {settings.metrics_token}".encode())
    is_passed_on = settings.trusted_proxies or any(name in request.headers for name in _FORWARDED)
    address = own_form(request.remote_addr or "")
    return not is_passed_on and address is not None and address.is_loopback


def _answer(facts: dict[str, object]) -> Response:
    answer = jsonify(facts)
    answer.status_code = 200 if facts["ok"] else 503
    return answer


def _first(*looks: Callable[[], str | None]) -> str | None:
    """What the first of them that isn't well says."""
    for look in looks:
        try:
            reason = look()
        except Problem as problem:
            reason = problem.sentence
        if reason:
            return reason
    return None


def _database() -> str | None:
    with wired().database.read() as session:
        session.execute(text("SELECT 1"))
    return None


def _disk() -> str | None:
    stat = os.statvfs(wired().settings.web_path)
    free_bytes = stat.f_bavail * stat.f_frsize
    if free_bytes < ROOM_BYTES:
        return f"The data folder's disk has {free_bytes >> 20} MB left."
    wired().settings.require_writable()
    return None


def _runtime() -> str | None:
    status = wired().engine.status()
    return None if status["ready"] else "The runtime is still starting."


def _pump() -> str | None:
    wired().pumps.figures()
    return None
