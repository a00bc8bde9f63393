"""Tables for spreadsheets: no cell of them is ever taken for a formula, whoever wrote it."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads names in another encoding than they were written in."""

# What begins a formula, in its wide forms too: first in a cell, or after what any spreadsheet may
# be set to take for the end of one (in half of Europe that is a semicolon), quoted or not.
_FORMULA = re.compile(r"""(^|[;,|"\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def as_csv(head: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """A table as CSV (RFC 4180, UTF-8), with plain numbers; None is an empty cell."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(each) if isinstance(each, str) else each for each in row])
    return out.getvalue()


def _harmless(text: str) -> str:
    """The text with an apostrophe before each character that might begin a formula.

    Of control characters only ends of lines stay: the table may be printed on a terminal, too.
    """
    plain = "".join(each for each in text if each.isprintable() or each in "\t\r\n")
    return _FORMULA.sub(r"\1\2'", plain)
