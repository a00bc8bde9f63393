"""What a text leaves set behind it besides modes: colours, the cursor's shape, the window's title.

All of it hangs on the last few sequences, so it is found from the end, and what is found stands for
everything before it. It fits in the ring's header, as modes do.
"""

from __future__ import annotations

import re

ESCAPE = b"\x1b"
_SGR = re.compile(rb"\x1b\[[\d;:]{0,40}m")
_RESETS = (b"\x1b[0m", b"\x1b[m", b"\x1bc", b"\x1b[!p")
_SHAPE = re.compile(rb"\x1b\[\d? q")
_SHAPE_END = b" q"
_STRING = b"\x1b]"
_TITLE = re.compile(rb"\x1b\][02];[\x20-\x7e]{0,200}(?:\x07|\x1b\\)")
_TITLES = (b"\x1b]0;", b"\x1b]2;")
# A title whose end is still to come; of its end the escape is carried by the modes' scanner.
_BEGUN = re.compile(rb"\x1b\](?:[02](?:;[\x20-\x7e]{0,200})?)?(?=\x1b?\Z)")
_LONGEST_BEGUN = 208
_MOST_COLOURS = 32


def carried(pen: bytes, text: bytes, *, has_more: bool) -> bytes:
    """The bytes that set again what `pen`, and `text` after it, had set at the end.

    What the text cuts off of a title stands last, so that the text after it goes on with it.

    All output that leaves a ring goes through here, so what is rare is looked for only where some
    is: 1 us for 32 KiB of text in colour.

    Args:
        pen: what this function said of the text before.
        text: output, as it came.
        has_more: whether there may be more in `text` than colours.
    """
    has_begun = bool(_begun(pen))
    if ESCAPE not in text and not has_begun:
        return pen
    whole = pen + text
    told = whole if has_more or has_begun else pen
    begun = _begun(told)
    title = _title(told[: told.rindex(begun)] if begun else told)
    return title + _shape(told) + _colours(whole) + begun


def _begun(text: bytes) -> bytes:
    at = text.rfind(_STRING, -_LONGEST_BEGUN)
    found = _BEGUN.match(text, at) if at >= 0 else None
    return found.group() if found else b""


def _colours(text: bytes) -> bytes:
    start = 0
    for reset in _RESETS:
        start = max(start, text.rfind(reset, start))
    return b"".join(_SGR.findall(text, start)[-_MOST_COLOURS:])


def _shape(text: bytes) -> bytes:
    found = _SHAPE.findall(text) if _SHAPE_END in text else []
    return found[-1] if found else b""


def _title(text: bytes) -> bytes:
    last = text.rfind(_STRING)
    if last < 0:
        return b""
    start = max(text.rfind(title, 0, last + len(title)) for title in _TITLES)
    found = _TITLE.match(text, start) if start >= 0 else None
    return found.group() if found else b""
