from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from webapp.keys import derive_pin, load_key

if TYPE_CHECKING:
    from pathlib import Path


def test_the_key_is_made_once_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    first = load_key(tmp_path / "key")
    assert load_key(tmp_path / "key") == first
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_pin_has_four_digits_and_is_a_learner_s_own() -> None:
    pins = [derive_pin(b"k" * 32, f"learner{number}", 0) for number in range(200)]
    assert all(len(pin) == 4 and pin.isdecimal() for pin in pins)
    assert len(set(pins)) > 150
    assert derive_pin(b"k" * 32, "learner1", 0) == pins[1]
    assert derive_pin(b"k" * 32, "learner1", 1) != pins[1]
    assert derive_pin(b"x" * 32, "learner1", 0) != pins[1]
