"""A container's walls in words: each has its sentence, and nothing unknown is a zero."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.workshops.container_view import cells, sections
from webapp.workshops.container_words import FIGURES

MB = 1024**2
WALLS: dict[str, Any] = {
    "at": 1.0,
    "pid": 4711,
    "hostname": "lab-a1b2c3",
    "namespaces": [
        {"kind": "user", "id": 10, "server_id": 1, "is_own": True},
        {"kind": "time", "id": 2, "server_id": 2, "is_own": False},
        {"kind": "pid", "id": None, "server_id": 3, "is_own": True},
    ],
    "limits": [
        {"name": "memory", "used": 12.34 * MB, "limit": 256 * MB, "unit": "bytes", "hits": 2},
        {"name": "pids", "used": 5, "limit": 128, "unit": "processes", "hits": 1},
        {"name": "cpu", "used": 1.26, "limit": 0.5, "unit": "cores", "hits": 0},
        {"name": "disk", "used": None, "limit": None, "unit": "bytes", "hits": None},
        {"name": "shm", "used": None, "limit": 64 * MB, "unit": "bytes", "hits": None},
    ],
    "rights": {
        "uid_base": 1073807360, "ids": 65536, "capabilities": ["CAP_CHOWN"], "capabilities_held": 1,
        "capabilities_all": 41, "is_filtered": True, "calls_refused": 55, "hidden": ["/proc/keys"],
        "read_only": [],
    },
    "figures": {"whose": "server", "why": ""},
    "network": {
        "address": "198.18.0.2", "internet": False, "share": {"connections": 512, "mbit": 100},
        "refused": {"internet": 3, "mail": 0, "connections": 0, "unlisted": 0},
        "allowed": [], "open": 0,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("ns-user", "root here is user 1073807360 on the server", "user namespace 10; the server"),
        ("ns-time", "the server", "time namespace 2, here and on the server"),
        ("ns-pid", "5 processes; your process 1 is 4711 on the server", ""),
        ("memory", "12.3 of 256\N{NO-BREAK SPACE}MB", "met: a program was ended 2 times"),
        ("pids", "5 of 128\N{NO-BREAK SPACE}processes", "met: refused once"),
        ("cpu", "0.5 cores; 1.3\N{NO-BREAK SPACE}s used so far", ""),
        ("shm", "64\N{NO-BREAK SPACE}MB", ""),
        ("capabilities", "1 of 41", ""),
        ("hidden", "1 path", ""),
        ("internet", "off", "refused 3 times"),
    ],
)
def test_each_reading_is_said_with_its_unit_and_its_count(name: str, value: str, more: str) -> None:
    cell = cells(WALLS)[name]
    assert cell["value"].startswith(value)
    assert cell["more"].startswith(more)
    assert bool(cell["more"]) is bool(more)


def test_what_is_not_limited_here_has_no_row_and_each_row_has_a_sentence() -> None:
    rows = [row for section in sections(WALLS) for row in section.rows]
    assert "disk" not in {row.name for row in rows}
    assert "share" not in {row.name for row in rows}  # of the way out, where there is one
    assert all(row.sentence.endswith(".") for row in rows)
    assert len({row.name for row in rows}) == len(rows)


def test_the_page_says_whose_figures_free_shows_and_why() -> None:
    shown = {whose: figures_row({"whose": whose, "why": why}) for whose, why in WHOSE.items()}
    assert shown["server"] == (FIGURES["server"][2], WHOSE["server"])
    assert shown["container"] == (FIGURES["container"][2], "")


WHOSE = {"server": "lxcfs is not installed on this server.", "container": ""}


def figures_row(figures: dict[str, str]) -> tuple[str, str]:
    rows = {
        row.name: row for section in sections({**WALLS, "figures": figures}) for row in section.rows
    }
    return rows["figures"].value, rows["figures"].more


def test_a_list_of_names_is_shown_with_what_is_open_by_it() -> None:
    network = {
        **WALLS["network"],
        "internet": True,
        "allowed": ["pypi.org"],
        "open": 2,
        "refused": {"internet": 0, "mail": 0, "connections": 0, "unlisted": 1},
    }
    rows = {
        row.name: row for section in sections({**WALLS, "network": network}) for row in section.rows
    }
    row = rows["internet"]
    assert (row.value, row.names) == ("1 listed name", ("pypi.org",))
    assert row.more == "2 addresses open now, refused once"
