# ruff: noqa: RUF001  ambiguous characters are what is tried here
from __future__ import annotations

from html.parser import HTMLParser

import pytest

from webapp.lesson_format.markdown import render, render_line

AWKWARD = [
    "echo \"a\" 'b' -- --- ... (c) `date`",
    "printf '<a href=\"x\">&amp; &lt;\\n'",
    "cat <<'E'\n\n  two  spaces\n\ttab\n\nE\n",
    "echo  “curly”\u00a0nbsp\u200b–dash",
    "\n\nblank lines around\n\n",
    "<slip-command data-id=x>",
    "https://example.org www.example.org :-) 1/2",
]


class Codes(HTMLParser):
    """The tags, and the text of each `code`, as a browser would take them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "code":
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def codes(html: str) -> list[str]:
    parser = Codes()
    parser.feed(html)
    return parser.texts


@pytest.mark.parametrize("code", AWKWARD)
@pytest.mark.parametrize("word", ["run", "copy", "output", ""])
def test_no_character_of_code_is_changed(code: str, word: str) -> None:
    rendered = render(f"Text.\n\n````{word}\n{code}\n````\n")
    assert codes(rendered.html) == [code]
    assert [command.text for command in rendered.commands] == (
        [code] if word[:1] in "rc" and word else []
    )


@pytest.mark.parametrize("code", [code for code in AWKWARD if "`" not in code and "\n" not in code])
def test_no_character_of_inline_code_is_changed(code: str) -> None:
    assert codes(render_line(f"Run `{code}` now.")) == [code]


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](http://example.org/x.png)",
        '<slip-command data-id="c-1" onclick="x">',
        '[x](http://example.org "onclick=1")',
    ],
)
def test_nothing_that_runs_or_loads_comes_out(source: str) -> None:
    parser = Codes()
    parser.feed(render(source).html)
    assert {tag for tag, _ in parser.tags} <= {"p", "a"}
    assert {name for _, attrs in parser.tags for name in attrs} <= {"href", "rel", "title"}
    assert all(attrs.get("href", "http:").startswith("http:") for _, attrs in parser.tags)


def test_a_command_keeps_its_id_when_text_around_it_moves() -> None:
    (before,) = render("```run\nwhoami\n```\n").commands
    moved = render(
        "New.\n\n```run\nid\n```\n\n```run\nwhoami\n```\n\n```run\nwhoami\n```\n"
    ).commands
    assert moved[1].id == before.id
    assert len({command.id for command in moved}) == 3
