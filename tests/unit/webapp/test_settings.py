from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from webapp.problems import Problem
from webapp.settings import SETTINGS, read_settings
from webapp.wiring import wire

if TYPE_CHECKING:
    from pathlib import Path


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "slipway.toml"
    file.write_text('port = 9000\npublic_url = "http://a.example"\ndemo = false\n')
    settings = read_settings({"SLIPWAY_PORT": "9001", "HOME": "/x"}, file)
    assert settings.port == 9001
    assert settings.public_url == "http://a.example"
    assert settings.demo is False
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLIPWAY_PORT", "eighty", "The setting port is “eighty”, which isn't a whole number."),
        ("SLIPWAY_DEMO", "perhaps", "The setting demo is “perhaps”, which isn't yes or no."),
        (
            "SLIPWAY_PROXY_ADDRESSES",
            "proxy.example",
            "The setting proxy_addresses is “proxy.example”, which isn't addresses and networks",
        ),
        ("SLIPWAY_TRUSTED_PROXIES", "-1", "“-1”, which isn't a whole number from 0 to 16"),
        ("SLIPWAY_KEEP_DAYS", "-5", "“-5”, which isn't a whole number from 0 to 36500"),
        ("SLIPWAY_AUDIT_DAYS", "99999999999", "which isn't a whole number from 0 to 36500"),
    ],
)
def test_a_wrong_value_is_one_sentence(name: str, value: str, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        read_settings({name: value})


def test_a_file_that_was_named_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't be read"):
        read_settings({}, tmp_path / "none.toml")


def test_each_setting_has_help_and_a_field(tmp_path: Path) -> None:
    settings = read_settings({"SLIPWAY_DATA": str(tmp_path)})
    for setting in SETTINGS:
        assert setting.help
        assert hasattr(settings, setting.name)


def test_a_folder_that_can_t_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "web").write_text("a file where the folder should be")
    with pytest.raises(Problem, match="The web can't write in"):
        read_settings({"SLIPWAY_DATA": str(tmp_path)}).require_writable()


def test_lessons_that_can_t_be_seen_stop_the_start(tmp_path: Path) -> None:
    read_settings({"SLIPWAY_LESSONS": str(tmp_path)}).require_lessons()
    settings = read_settings({"SLIPWAY_DATA": str(tmp_path), "SLIPWAY_LESSONS": "/nowhere"})
    with pytest.raises(Problem, match="lessons is “/nowhere”, which isn't a folder that the web"):
        wire(settings)
