"""A notice takes as many rows as it needs, and leaves the cursor where it was."""

from __future__ import annotations

import pytest

from webapp.terminals.notices import above


@pytest.mark.parametrize(
    ("text", "cols", "rows"),
    [
        ("\r\none\r\n", 80, 1),
        ("\r\none\r\ntwo\r\n", 80, 2),
        ("x" * 81, 80, 2),
        (f"\x1b[33m{'x' * 80}\x1b[0m", 80, 1),  # colours take no room
        ("one", 0, 3),
    ],
)
def test_room_is_made_for_each_row_and_the_cursor_comes_back(
    text: str, cols: int, rows: int
) -> None:
    said = above(text, cols).decode()
    before, _, rest = said.partition("\x1b7")
    assert before == "\x18" + "\n" * rows + f"\x1b[{rows}A"
    assert rest.startswith(f"\r\x1b[{rows}L{text.strip()}")
    assert rest.endswith(f"\x1b8\x1b[{rows}B")
