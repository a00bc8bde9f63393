"""What a person reads before anything is touched, and before anything is gone."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runtime import folders
from runtime.cli import install, uninstall
from runtime.install import service
from runtime.install.service import Record
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

ALL = Record(settings=True, data=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """An instance of a machine with systemd, whose /etc is a folder of the test's."""
    monkeypatch.setattr(service, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(service, "UNIT_PATH", tmp_path / "slipway.service")
    monkeypatch.setattr(service, "_systemctl", lambda *_: None)  # this machine may have none
    monkeypatch.setattr(service, "_shown", lambda _: "")
    monkeypatch.setattr(service, "CONFIG_PATH", tmp_path / "slipway.toml")
    monkeypatch.setattr(service, "CHECKOUT", tmp_path)
    return Instance.at(tmp_path / "data")


def config(place: Instance) -> Path:
    return place.data_path.parent / "slipway.toml"


def part(lines: list[str], first: str) -> str:
    """What stands below a heading, up to the next."""
    text = "\n".join(lines)
    return text[text.index(first) + len(first) :].split(":\n")[0]


def test_only_what_was_not_there_before_is_made(place: Instance) -> None:
    assert service.look(place) == ALL
    config(place).write_text("port = 1\n")
    place.runtime_path.mkdir(parents=True)
    assert service.look(place) == Record(settings=False, data=False)


def test_a_second_installation_knows_what_the_first_one_made(place: Instance) -> None:
    place.runtime_path.mkdir(parents=True)
    config(place).touch()
    (place.runtime_path / "install.json").write_text(json.dumps({"settings": True, "data": True}))
    assert service.look(place) == ALL


def test_a_machine_without_systemd_is_told_so(
    place: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "_SYSTEMD", tmp_path / "none")
    with pytest.raises(Problem, match="isn't run by systemd"):
        service.look(place)


def test_everything_that_is_touched_is_said_first(place: Instance) -> None:
    text = "\n".join(service.install_lines(place, ALL))
    for touched in (service.UNIT_PATH, config(place), place.data_path, "slipway-web"):
        assert str(touched) in text


def test_what_goes_is_said_apart_from_what_stays(place: Instance) -> None:
    gone = service.uninstall_lines(place, ALL, keep_data=False, keep_packages=False)
    assert str(place.data_path) in part(gone, "This goes, for good:\n")
    assert str(config(place)) in part(gone, "This goes, for good:\n")


def test_what_was_there_before_stays(place: Instance) -> None:
    before = Record(settings=False, data=False)
    lines = service.uninstall_lines(place, before, keep_data=False, keep_packages=False)
    assert f"{place.data_path}  was there before" in part(lines, "This stays:\n")
    assert f"{config(place)}  was there before" in part(lines, "This stays:\n")


def test_packages_that_setup_brought_go_unless_they_are_kept(place: Instance) -> None:
    (place.data_path.parent / ".slipway").mkdir()
    (place.data_path.parent / ".slipway/packages").write_text("crun\nlibyajl2\n")
    for keep, heading in ((False, "This goes, for good:\n"), (True, "This stays:\n")):
        lines = service.uninstall_lines(place, ALL, keep_data=True, keep_packages=keep)
        assert "crun libyajl2" in part(lines, heading)
        assert f"{place.data_path}  as you said" in part(lines, "This stays:\n")


def test_another_servers_installation_is_not_taken_over(place: Instance) -> None:
    service.UNIT_PATH.touch()
    with pytest.raises(Problem, match="of a server that keeps its data elsewhere"):
        service.look(place)
    service.UNIT_PATH.unlink()
    assert service.look(place) == ALL


def test_one_whose_data_folder_somebody_removed_can_be_installed_and_uninstalled(
    place: Instance,
) -> None:
    service.write_unit(place)
    assert service.look(place) == Record(settings=False, data=False)
    done = CliRunner().invoke(uninstall.command, ["--data", str(place.data_path), "--yes"])
    assert done.exit_code == 0, done.output
    assert not service.UNIT_PATH.exists()


def test_a_server_that_was_started_by_hand_is_not_half_installed(place: Instance) -> None:
    folders.make(place)
    lock = folders.lock(place, 0)
    try:
        done = CliRunner().invoke(install.command, ["--data", str(place.data_path), "--yes"])
    finally:
        os.close(lock)
        folders.clean_run(place)
    assert isinstance(done.exception, Problem)
    assert done.exception.code == "data-in-use"
    assert service.recorded(place) is None  # or an upgrade would take it for a service


def test_half_an_installation_is_taken_away_without_a_server_that_could_begin(
    place: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(uninstall, "runtime", never)
    place.runtime_path.mkdir(parents=True)
    service.note(place, ALL)
    config(place).touch()
    done = CliRunner().invoke(uninstall.command, ["--data", str(place.data_path), "--yes"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in place.data_path.parent.iterdir()] == []
