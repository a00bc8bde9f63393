"""What the documents tell people to type is understood: each command, and each of its options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runtime.cli import main as runtime_main
from webapp.cli.main import main as web_main

TOP = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/operating.md", "docs/authoring.md")
BY_THE_LAUNCHER = {"--yes", "--help", "--fetched"}  # and `setup`, which is nothing but its own
HALVES = dict.fromkeys(("workshop", "person", "audit", "database"), web_main)


def typed() -> list[tuple[str, str]]:
    """Every `./slipway …` of the pages: a line of a block, or a whole piece of code in a text."""
    found = []
    for page in PAGES:
        text = (TOP / page).read_text()
        blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        pieces = re.findall(
            r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        )
        for line in [*lines, *pieces]:
            command = line.partition("#")[0].partition(" | ")[0].strip()
            if command.startswith("./slipway "):
                found.append((page, command))
    return sorted(set(found))


def leaf(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and what is left of them."""
    command: click.Command = HALVES.get(words[0], runtime_main)
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        following = command.get_command(context, words[0])
        assert following is not None, f"no {words[0]}"
        command, words = following, words[1:]
    return command, words


@pytest.mark.parametrize(("page", "line"), typed())
def test_each_command_of_the_documents_is_understood(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    if words[0] == "setup":
        return
    command, rest = leaf(words)
    if command.name == "test" or command.ignore_unknown_options:
        return
    known = {name for param in command.params for name in param.opts} | BY_THE_LAUNCHER
    given = rest[: rest.index("--")] if "--" in rest else rest
    options = {word.partition("=")[0] for word in given if word.startswith("--")}
    assert options - known == set(), page
