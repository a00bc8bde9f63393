"""What `docker search` finds: images that are here, since nobody outside is asked what there is.

Engines ask `/v1/search` for a word, and `/v2/_catalog` for all names. Where the usual registry's
place for that can't be reached, labs find this one under its name (labs/inner.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from runtime.image.reference import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE = f"index.{USUAL}"
"""Where engines search the usual registry."""
_SEARCH, _CATALOG = "/v1/search", "/v2/_catalog"
_LONGEST = 1024
_MOST = 100


class Search(NamedTuple):
    """What is searched for.

    Attributes:
        word: that names hold; empty for all.
        most: of them.
        is_catalog: names alone are wanted.
    """

    word: str
    most: int
    is_catalog: bool


class Hit(NamedTuple):
    """An image that is here.

    Attributes:
        name: at the registry that is searched.
        words: how it comes that it is here.
    """

    name: str
    words: str


def read(method: str, target: str) -> Search | None:
    """Read a request of a lab's; None where it is no search."""
    parts = urlsplit(target) if len(target) <= _LONGEST else urlsplit("")
    if method != "GET" or parts.path not in {_SEARCH, _CATALOG}:
        return None
    asked = parse_qs(parts.query)
    most = asked.get("n", [""])[0]
    return Search(
        word=asked.get("q", [""])[0].lower(),
        most=min(int(most), _MOST) if most.isdecimal() else _MOST,
        is_catalog=parts.path == _CATALOG,
    )


def answer(search: Search, hits: Iterable[Hit]) -> bytes:
    """What is said of these images; the first of each name counts."""
    found: dict[str, Hit] = {}
    for hit in hits:
        if search.word in hit.name:
            found.setdefault(hit.name, hit)
    chosen = [found[name] for name in sorted(found)][: search.most]
    if search.is_catalog:
        return json.dumps({"repositories": [hit.name for hit in chosen]}).encode()
    rows = [
        {
            "name": hit.name,
            "description": hit.words,
            "star_count": 0,
            "is_official": hit.name.startswith("library/"),
            "is_automated": False,
        }
        for hit in chosen
    ]
    return json.dumps({"num_results": len(rows), "query": search.word, "results": rows}).encode()
