"""A word of ours in a terminal: above the line with the cursor, so that prompt and typing stay."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CANCEL = "\x18"  # ends an escape sequence that it would otherwise fall into


def above(text: str, cols: int) -> bytes:
    r"""Output that inserts `text` above the cursor's line.

    At an idle prompt nobody would draw the prompt again, and a page that looks for one would find
    an empty line. First as many lines down as are needed, which scrolls where there are too few,
    and up again; then the cursor's place can be kept while lines are inserted there.

    Args:
        text: lines with `\r\n` between them, and around them as it likes.
        cols: of the screen; a longer line takes several rows.
    """
    lines = text.strip("\r\n").split("\r\n")
    rows = sum(max(1, -(-len(_COLOUR.sub("", line)) // max(cols, 1))) for line in lines)
    room = "\n" * rows + f"\x1b[{rows}A"
    inserted = "\r" + f"\x1b[{rows}L" + "\r\n".join(lines)
    return f"{_CANCEL}{room}\x1b7{inserted}\x1b8\x1b[{rows}B".encode()
