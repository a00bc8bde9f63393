"""What a text leaves set behind it besides modes: colours, the cursor's shape, the window's title.

All of it hangs on the last few sequences, so it is found from the end, and what is found stands for
everything before it. It fits in the ring's header, as modes do.
"""

from __future__ import annotations

import re

_SGR = re.compile(rb"\x1b\[[\d;:]{0,40}m")
_RESETS = (b"\x1b[0m", b"\x1b[m", b"\x1bc", b"\x1b[!p")
_SHAPE = re.compile(rb"\x1b\[\d? q\Z")
_TITLE = re.compile(rb"\x1b\][02];[\x20-\x7e]{0,200}(?:\x07|\x1b\\)")
_TITLES = (b"\x1b]0;", b"\x1b]2;")
_MOST_COLOURS = 32
_SHAPE_BYTES = 5


def carried(text: bytes) -> bytes:
    """The bytes that set again what `text` had set at its end."""
    return _title(text) + _shape(text) + _colours(text)


def _colours(text: bytes) -> bytes:
    start = max(0, *(text.rfind(reset) for reset in _RESETS))
    return b"".join(_SGR.findall(text, start)[-_MOST_COLOURS:])


def _shape(text: bytes) -> bytes:
    end = text.rfind(b" q") + 2
    found = _SHAPE.search(text, max(0, end - _SHAPE_BYTES), end) if end >= 2 else None
    return found.group() if found else b""


def _title(text: bytes) -> bytes:
    start = max(text.rfind(title) for title in _TITLES)
    found = _TITLE.match(text, start) if start >= 0 else None
    return found.group() if found else b""
