"""`python -m webapp.terminals`: the pump's process; reads its environment, then turns the loop."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from pathlib import Path

import structlog

from webapp.terminals.pump import Pump


def main() -> int:
    """Run until SIGTERM; living shells stay, their output waits in the pty."""
    run_path = os.environ.get("SLIPWAY_RUN")
    if not run_path:
        sys.stderr.write("The pump is started by the supervisor: SLIPWAY_RUN is not set.\n")
        return 2
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.LogfmtRenderer(key_order=["at", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two or three a terminal
    pump = Pump(Path(run_path), _allowed(), os.environ.get("SLIPWAY_PUMP", "pump"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pump.loop.stop())
    gc.freeze()  # what was loaded stays: a collection while somebody types looks at less
    pump.loop.run()
    pump.loop.close()
    return 0


def _allowed() -> set[int]:
    """Root, ourselves, and web, whose uid the supervisor tells."""
    return {0, os.getuid(), int(os.environ.get("SLIPWAY_WEB_UID", "0"))}


if __name__ == "__main__":
    sys.exit(main())
