"""Sentences as they are shown: text with `code` in backquotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from flask import Flask


def init_prose(app: Flask) -> None:
    """Gives templates the filter `prose`."""
    app.jinja_env.filters["prose"] = prose


def prose(text: str) -> Markup:
    """The text, escaped; what stands in backquotes is code."""
    parts = [escape(part) for part in text.strip().split("`")]
    marked = [
        part if at % 2 == 0 else Markup("<code>%s</code>") % part for at, part in enumerate(parts)
    ]
    return Markup("").join(marked)
