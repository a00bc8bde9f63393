"""What the runtime reads of a container, as a learner reads it: a row a wall, a sentence each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp.workshops import container_words as words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MB = 1024**2


@dataclass(frozen=True, slots=True)
class Row:
    """One namespace, limit or rule.

    Attributes:
        name: unique on the page; what is live is found by it.
        value: what is so now.
        sentence: what it is for; `code` in backquotes.
        state: a shape of the page and its word, such as `good` and `own`.
        more: what is counted, or the two numbers of a namespace; empty where there is nothing.
        used: of `limit`, where both are known: for a meter.
        names: what the value counts, where it can be listed.
    """

    name: str
    title: str
    value: str
    sentence: str
    state: tuple[str, str] | None = None
    more: str = ""
    used: float | None = None
    limit: float | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind."""

    name: str
    title: str
    lead: str
    rows: tuple[Row, ...]


def sections(walls: Mapping[str, Any]) -> tuple[Section, ...]:
    """The page, from one answer of `lab.walls`."""
    makers = {"sees": _sees, "uses": _uses, "may": _may, "reaches": _reaches}
    return tuple(
        Section(name, *words.SECTIONS[name], tuple(make(walls))) for name, make in makers.items()
    )


def cells(walls: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What changes on the page, by row: for a page that is open."""
    return {
        row.name: {"value": row.value, "more": row.more, "used": row.used, "limit": row.limit}
        for section in sections(walls)
        for row in section.rows
    }


def _sees(walls: Mapping[str, Any]) -> Iterator[Row]:
    limits = {row["name"]: row for row in walls["limits"]}
    values = {
        "user": f"root here is user {walls['rights']['uid_base']} on the server",
        "pid": f"{_count(limits['pids']['used'], 'process', 'processes')}; "
        f"your process 1 is {walls['pid']} on the server",
        "mnt": "an image, and a layer of your own over it",
        "net": walls["network"]["address"],
        "uts": walls["hostname"],
        "ipc": "yours alone",
        "cgroup": "your own branch of the tree",
        "time": "the server’s",  # noqa: RUF001 - an apostrophe
    }
    for space in walls["namespaces"]:
        kind = space["kind"]
        title, sentence = words.NAMESPACES[kind]
        state = ("good", "your own") if space["is_own"] else ("idle", "shared")
        yield Row(f"ns-{kind}", title, values[kind], sentence, state, _numbers(space))
    title, sentence = words.KERNEL
    yield Row("kernel", title, os.uname().release, sentence, ("idle", "shared"))


def _numbers(space: Mapping[str, Any]) -> str:
    if space["id"] is None or space["server_id"] is None:
        return ""
    if not space["is_own"]:
        return f"{space['kind']} namespace {space['id']}, here and on the server"
    return f"{space['kind']} namespace {space['id']}; the server’s is {space['server_id']}"  # noqa: RUF001


def _uses(walls: Mapping[str, Any]) -> Iterator[Row]:
    for limit in walls["limits"]:
        name, used, most = limit["name"], limit["used"], limit["limit"]
        if most is None or name not in words.LIMITS:
            continue
        title, sentence, met = words.LIMITS[name]
        more = f"{met} {_times(limit['hits'])}" if met and limit["hits"] else ""
        if name == "cpu":
            spent = f"; {used:.1f}\N{NO-BREAK SPACE}s used so far" if used is not None else ""
            yield Row(name, title, _count(most, "core", "cores") + spent, sentence, None, more)
            continue
        value = _amount(most, limit["unit"])
        if used is not None:
            value = f"{_amount(used, limit['unit'], bare=True)} of {value}"
        yield Row(name, title, value, sentence, None, more, used, most)
    yield _figures(walls)


def _figures(walls: Mapping[str, Any]) -> Row:
    figures = walls["figures"]
    title, sentence, value = words.FIGURES[figures["whose"]]
    return Row("figures", title, value, sentence, more=figures["why"])


def _may(walls: Mapping[str, Any]) -> Iterator[Row]:
    rights = walls["rights"]
    names = tuple(each.removeprefix("CAP_").lower() for each in rights["capabilities"])
    counted = f"{rights['capabilities_held']} of {rights['capabilities_all']}"
    yield Row("capabilities", *_said("capabilities", counted), names=names)
    calls = "no filter" if not rights["is_filtered"] else f"{rights['calls_refused']} refused"
    yield Row("calls", *_said("calls", calls))
    for name in ("hidden", "read_only"):
        paths = tuple(rights[name])
        yield Row(name, *_said(name, _count(len(paths), "path", "paths")), names=paths)


def _reaches(walls: Mapping[str, Any]) -> Iterator[Row]:
    network = walls["network"]
    refused, share = network["refused"], network["share"]
    shut, is_open = ("away", "shut"), ("good", "open")
    for name in ("learners", "server", "private", "spoofing"):
        yield Row(name, *_said(name, words.SHUT[name]), state=shut)
    yield Row(
        "mail", *_said("mail", words.SHUT["mail"]), state=shut, more=_refused(refused["mail"])
    )
    yield _internet(network, is_open if network["internet"] else shut)
    if network["internet"]:
        most = f"{share['connections']} connections at once, {share['mbit']} Mbit/s each way"
        counted = _refused(refused["connections"])
        yield Row("share", *_said("share", most), more=counted)


def _internet(network: Mapping[str, Any], state: tuple[str, str]) -> Row:
    refused, names = network["refused"], tuple(network["allowed"])
    if names:
        said = _said("internet_list", _count(len(names), "listed name", "listed names"))
        counted = (f"{_count(network['open'], 'address', 'addresses')} open now",)
        more = ", ".join((*counted, *filter(None, (_refused(refused["unlisted"]),))))
        return Row("internet", *said, state=state, more=more, names=names)
    name = "internet_on" if network["internet"] else "internet_off"
    said = _said(name, words.SHUT[name])
    return Row("internet", *said, state=state, more=_refused(refused["internet"]))


def _said(name: str, value: str) -> tuple[str, str, str]:
    title, sentence = words.RULES[name]
    return title, value, sentence


def _refused(count: int) -> str:
    return f"refused {_times(count)}" if count else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _count(number: float | None, one: str, many: str) -> str:
    return f"\N{EN DASH} {many}" if number is None else f"{number:g} {one if number == 1 else many}"


def _amount(number: float, unit: str, *, bare: bool = False) -> str:
    """With its unit; a size in MB as `free -m` counts them."""
    if unit != "bytes":
        return f"{number:g}" if bare else f"{number:g}\N{NO-BREAK SPACE}{unit}"
    size = number / _MB
    text = f"{size:.0f}" if size >= 100 or size == int(size) else f"{size:.1f}"
    return text if bare else f"{text}\N{NO-BREAK SPACE}MB"
