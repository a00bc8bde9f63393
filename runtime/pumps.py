"""Which of a server's pumps carries a terminal.

One rule for both sides: the runtime gives each terminal to its pump, and the web gives the viewers
to the same one, without asking.
"""

from __future__ import annotations

import zlib


def pump_names(count: int) -> list[str]:
    """The pumps of a server, as `slipway restart` calls them: `pump`, `pump-2`, …."""
    return ["pump", *(f"pump-{number}" for number in range(2, count + 1))]


def pump_of(terminal: str, count: int) -> str:
    """The pump that carries a terminal, of so many: all terminals of a lab are with one.

    Args:
        terminal: `LAB.NAME`; a lab's id is drawn by chance, so labs spread evenly.
        count: how many pumps the server has.
    """
    lab = terminal.partition(".")[0]
    return pump_names(count)[zlib.crc32(lab.encode()) % count]
