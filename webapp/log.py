"""The log: one line an event, key=value, in the past tense.

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
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s"
    )
