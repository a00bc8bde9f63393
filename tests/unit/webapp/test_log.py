from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest

from webapp.log import drop_traceback

SAY_ONE = {
    "web": "from webapp.log import init_log; init_log()",
    "runtime": "from runtime import log; log.start('info')",
}


@pytest.mark.parametrize("who", SAY_ONE)
def test_both_halves_write_their_log_in_the_same_form(who: str) -> None:
    code = f"{SAY_ONE[who]}; import structlog; structlog.get_logger().info('lab.created', lab='a1')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(
        r"at=\d{4}-\d\d-\d\dT[\d:.]+Z level=info event=lab.created lab=a1\n", said.stderr
    )


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
