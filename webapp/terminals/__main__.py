"""`python -m webapp.terminals`: the pump's process; reads its environment, then turns the loop."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import structlog

from webapp.terminals.pump import Pump

MAX_DESCRIPTORS = 16384


def main() -> int:
    """Run until SIGTERM; living shells stay, their output waits in the pty."""
    run_path, data_path = os.environ.get("SLIPWAY_RUN"), os.environ.get("SLIPWAY_DATA")
    if not run_path or not data_path:
        sys.stderr.write(
            "The pump is started by the supervisor: SLIPWAY_RUN and SLIPWAY_DATA are not set.\n"
        )
        return 2
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    pump = Pump(Path(run_path), lambda: _allowed(Path(data_path)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pump.loop.stop())
    pump.loop.run()
    pump.loop.close()
    return 0


def _allowed(data_path: Path) -> set[int]:
    """Root, ourselves, and web, which is whoever owns its data (the supervisor made it so)."""
    allowed = {0, os.getuid()}
    try:
        allowed.add((data_path / "web").stat().st_uid)
    except OSError:
        return allowed
    return allowed


if __name__ == "__main__":
    sys.exit(main())
