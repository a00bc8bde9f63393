"""docs/reference.md against the code: what crosses a wall has its line there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from runtime import settings as runtime_settings
from runtime.verbs import Verbs
from webapp import settings as web_settings
from webapp.sockets import wire

TOP = Path(__file__).resolve().parents[2]
REFERENCE = (TOP / "docs/reference.md").read_text()
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")


def section(title: str) -> str:
    """The text below a heading of the reference."""
    found = re.search(
        rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", REFERENCE, re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/reference.md has no section {title!r}"
    return found[1]


def codes_in(path: Path) -> set[str]:
    """The code of each Problem that a file makes with a literal."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    firsts = (call.args[0] for call in calls if _makes_problem(call) and call.args)
    literals = (first.value for first in firsts if isinstance(first, ast.Constant))
    return {text for text in literals if isinstance(text, str) and CODE.fullmatch(text)}


def _makes_problem(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Problem"


FILES = [file for half in ("runtime", "webapp") for file in sorted((TOP / half).rglob("*.py"))]
CODES = sorted({(code, str(file.relative_to(TOP))) for file in FILES for code in codes_in(file)})


@pytest.mark.parametrize(("code", "file"), CODES)
def test_each_problem_code_is_explained(code: str, file: str) -> None:
    assert f"`{code}`" in section("Problem codes"), f"{file} says {code!r}"


def test_no_problem_code_is_explained_that_nobody_says() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)`", section("Problem codes"), re.MULTILINE)
    sources = "".join(file.read_text() for file in FILES)
    assert [code for code in rows if f'"{code}"' not in sources] == []


LIMITS = {
    limit
    for file in sorted((TOP / "runtime/labs").rglob("*.py"))
    for limit in re.findall(r"\bNews\(\s*\"(\w+)\"", file.read_text())
}


@pytest.mark.parametrize("limit", sorted(LIMITS))
def test_each_limit_that_is_told_is_named(limit: str) -> None:
    told = re.search(r"`lab\.limit` \(.*?\), `shell", section("Runtime verbs"))
    assert told
    assert f"`{limit}`" in told[0]


@pytest.mark.parametrize("verb", sorted(Verbs.table(object.__new__(Verbs))))
def test_each_verb_has_its_row(verb: str) -> None:
    assert f"`{verb}`" in section("Runtime verbs")


@pytest.mark.parametrize(
    "name",
    sorted({s.name for s in runtime_settings.SETTINGS} | {s.name for s in web_settings.SETTINGS}),
)
def test_each_setting_is_explained(name: str) -> None:
    assert f"`{name}`" in section("Settings")


@pytest.mark.parametrize("message", wire.MESSAGES, ids=lambda message: message.name)
def test_each_socket_event_has_its_row(message: wire.Message) -> None:
    assert f"`{message.name}`" in section("Socket.IO events")
