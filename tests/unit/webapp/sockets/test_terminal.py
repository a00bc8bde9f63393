"""The opening of a terminal, before it is anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.problems import Problem, http_status
from webapp.sockets.terminal import grant_for

if TYPE_CHECKING:
    from flask import Flask

    from webapp.wiring import Wiring


def test_a_web_that_has_just_begun_calls_no_terminal_unknown(app: Flask, parts: Wiring) -> None:
    with app.test_request_context(), pytest.raises(Problem) as early:
        grant_for("01234567.1")
    assert (early.value.code, http_status(early.value)) == ("runtime-away", 503)
    parts.labs.refresh()
    with app.test_request_context(), pytest.raises(Problem) as known:
        grant_for("01234567.1")
    assert (known.value.code, http_status(known.value)) == ("lab-unknown", 404)
