"""Markdown to HTML that is safe to show, with nothing in a command changed by a single character.

Raw HTML is text here (markdown-it's `html` is off), and what comes out passes nh3 besides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from webapp.lesson_format.model import Command, CommandKind, Where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

_TAGS = {
    *("a", "br", "code", "del", "em", "strong"),
    *("blockquote", "h2", "h3", "hr", "li", "ol", "p", "pre", "slip-command", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "slip-command": {"data-id", "data-kind", "data-where"},
}
_SCHEMES = {"http", "https", "mailto"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as HTML, and the commands in it in their order."""

    html: Markup
    commands: tuple[Command, ...]


@dataclass(slots=True)
class _Collected:
    commands: list[Command] = field(default_factory=list)

    def add(self, kind: CommandKind, text: str, where: Where) -> Command:
        """A command with an id made from its text, so that editing around it keeps it."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        again = sum(command.text == text for command in self.commands)
        name = f"c-{digest}-{again + 1}" if again else f"c-{digest}"
        command = Command(name, kind, text, where)
        self.commands.append(command)
        return command


def render(source: str) -> Rendered:
    """Render a text of paragraphs, lists, tables and code.

    A fence that says ```` ```run ```` is a command to run, ```` ```copy ```` one to copy; any other
    is shown as it is. A second word, `machine` or `both`, says in whose terminal it runs.
    """
    collected = _Collected()
    html = _MARKDOWN.render(source, {"collected": collected})
    return Rendered(_clean(html), tuple(collected.commands))


def render_line(source: str) -> Markup:
    """Render one line: emphasis, code and links only."""
    return _clean(_MARKDOWN.renderInline(source.strip()))


def _clean(html: str) -> Markup:
    cleaned = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)
    return Markup(cleaned)  # noqa: S704  nh3 has just made it safe


def _fence(
    _: RendererHTML, tokens: Sequence[Token], position: int, __: object, env: dict[str, Any]
) -> str:
    token = tokens[position]
    text = token.content.removesuffix("\n")
    block = f"<pre><code>{escape(text)}</code></pre>"
    word, _space, second = token.info.strip().partition(" ")
    if word not in set(CommandKind):
        return f"{block}\n"
    where = Where(second) if second in set(Where) else Where.CONTAINER  # lint names the others
    command = env["collected"].add(CommandKind(word), text, where)
    place = "" if where is Where.CONTAINER else f' data-where="{where}"'
    return (
        f'<slip-command data-id="{command.id}" data-kind="{command.kind}"{place}>'
        f"{block}</slip-command>\n"
    )


def _make() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.add_render_rule("fence", _fence)
    return markdown


_MARKDOWN = _make()
