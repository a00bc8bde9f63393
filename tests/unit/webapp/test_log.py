from __future__ import annotations

import logging

import pytest

from webapp.log import drop_traceback


@pytest.mark.parametrize(("error", "is_kept"), [(ValueError, False), (KeyError, True)])
def test_only_a_packet_that_can_not_be_read_loses_its_traceback(
    error: type[Exception], *, is_kept: bool
) -> None:
    broken = error("x" * 60_000)
    raised = (error, broken, None)
    record = logging.LogRecord("a", 40, "f", 1, "message handler error", (), raised)
    assert drop_traceback(record)
    assert (record.exc_info is not None) is is_kept
    assert record.getMessage().startswith("message handler error")
    assert len(record.getMessage()) < 100
