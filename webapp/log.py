"""The log: one line an event, in logfmt as the runtime's and the pump's, in the past tense.

No name, code, token or screen is ever in it.
"""

from __future__ import annotations

import logging
import sys

import structlog


def init_log() -> None:
    """Writes to stderr; the supervisor gathers it.

    Flask's and eventlet's own lines come the same way.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["at", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s"
    )
    sockets = logging.getLogger("engineio.server")
    sockets.setLevel(logging.ERROR)  # with a level it adds no second handler of its own
    sockets.addFilter(drop_traceback)


def drop_traceback(record: logging.LogRecord) -> bool:
    """A packet that can't be read is one line: anybody can send them by the thousand.

    What our own handlers raise never gets so far: `sockets/wire.py` catches it.
    """
    if record.exc_info and isinstance(record.exc_info[1], ValueError):
        record.msg = f"{record.msg}: {type(record.exc_info[1]).__name__}"
        record.exc_info = None
    return True
