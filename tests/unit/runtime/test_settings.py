from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import webapp.settings
from runtime.problems import Problem
from runtime.settings import OF_THE_WEB, SETTINGS, Settings, load

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "slipway.toml"
    path.write_text(text)
    return path


def test_without_anything_said_the_defaults_hold() -> None:
    assert load({}, {}) == Settings()


def test_a_flag_beats_the_environment_and_that_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'port = 1001\nmax_labs = 11\nhost = "10.0.0.1"')
    environ = {"SLIPWAY_PORT": "1002", "SLIPWAY_MAX_LABS": "12"}
    found = load({"port": "1003", "host": None}, environ, path)
    assert (found.port, found.max_labs, found.host) == (1003, 12, "10.0.0.1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('port = "many"', "“port” in {path} must be a whole number from 0 to 65535, not “many”"),
        ("port = 70000", "“port” in {path} must be a whole number from 0 to 65535, not “70000”"),
        (
            "images_max_bytes = 1",
            (
                "“images_max_bytes” in {path} must be a whole number from 67108864 to "
                "1099511627776, not “1”"
            ),
        ),
        ("port = true", "“port” in {path} must be a whole number from 0 to 65535, not “True”"),
        ("port = 1.5", "“port” in {path} must be a whole number from 0 to 65535, not “1.5”"),
        ('log_level = "loud"', "“log_level” in {path} must be one of debug, info, warning, error"),
        ("data = [1]", "“data” in {path} must be a path"),
    ],
)
def test_a_wrong_value_is_named_by_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(Problem) as wrong:
        load({}, {}, path)
    assert wrong.value.code == "setting-wrong"
    assert words.format(path=path) in wrong.value.sentence


@pytest.mark.parametrize(
    ("key", "hint"),
    [("max_lab", "Write “max_labs”."), ("Idle_minutes", "Write “idle_minutes”."),
     ("zzz", "docs/reference.md lists all settings.")],
)  # fmt: skip
def test_a_key_that_is_no_setting_is_named_with_what_was_meant(
    tmp_path: Path, key: str, hint: str
) -> None:
    path = write(tmp_path, f"port = 1001\n{key} = 1")
    with pytest.raises(Problem) as unknown:
        load({}, {}, path)
    assert unknown.value.code == "setting-unknown"
    assert unknown.value.sentence == f"“{key}” in {path} is no setting."
    assert unknown.value.hint == hint


def test_what_operators_set_of_the_web_is_known_and_what_the_supervisor_gives_is_not() -> None:
    of_the_web = {each.name for each in webapp.settings.SETTINGS}
    own = {each.name for each in SETTINGS}
    assert of_the_web - own - {"run", "listen_fd", "preview_key"} == OF_THE_WEB


def test_a_wrong_variable_and_a_wrong_flag_are_named() -> None:
    with pytest.raises(Problem, match="SLIPWAY_MAX_LABS must be a whole number"):
        load({}, {"SLIPWAY_MAX_LABS": "-1"})
    with pytest.raises(Problem, match="--port must be a whole number"):
        load({"port": "http"}, {})


def test_a_settings_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't be read: it isn't there"):
        load({}, {"SLIPWAY_CONFIG": str(tmp_path / "none.toml")})


def test_a_settings_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"slipway\.toml can't be read"):
        load({}, {}, write(tmp_path, "port: 80"))


def test_a_key_of_the_webs_own_is_left_to_the_web(tmp_path: Path) -> None:
    assert load({}, {}, write(tmp_path, 'lessons = "/srv/lessons"')) == Settings()


def test_each_setting_says_what_it_means() -> None:
    assert all(setting.help.endswith(".") for setting in SETTINGS)
