"""Attacks on the web borrow the web's own application and browsers."""

from __future__ import annotations

from tests.unit.webapp.conftest import (  # noqa: F401 -- fixtures
    ada,
    app,
    ben,
    chi,
    engine,
    open_browser,
    parts,
    settings,
    workshop,
)
