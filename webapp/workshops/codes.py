"""The six characters that a class types.

Three letters, a dash, three letters or digits; no O, 0, I, 1.
"""

from __future__ import annotations

import secrets

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CHARACTERS = LETTERS + "23456789"
SAID = (
    "alfa",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "x-ray",
    "yankee",
    "zulu",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)
SPOKEN = dict(zip(CHARACTERS, SAID, strict=True))


def new_code() -> str:
    """A code at random: 450 million of them, so that guessing finds no class."""
    first = "".join(secrets.choice(LETTERS) for _ in range(3))
    return f"{first}-{''.join(secrets.choice(CHARACTERS) for _ in range(3))}"


def plain_code(raw: str) -> str:
    """What a learner typed, as a code is written.

    Capitals, one dash; spaces and other dashes are forgiven.
    """
    characters = [each for each in raw[:40].upper() if each.isascii() and each.isalnum()]
    return f"{''.join(characters[:3])}-{''.join(characters[3:])}" if characters else ""


def spoken(code: str) -> str:
    """How a code is said aloud: `K for kilo, L for lima, P for papa · four, two · Q for quebec`."""
    groups: list[list[str]] = []
    was_letter: bool | None = None
    for character in code.replace("-", ""):
        is_letter = character in LETTERS
        if is_letter is not was_letter or (len(groups) == 1 and len(groups[0]) == 3):
            groups.append([])
        groups[-1].append(
            f"{character} for {SPOKEN[character]}" if is_letter else SPOKEN[character]
        )
        was_letter = is_letter
    return " · ".join(", ".join(group) for group in groups)
