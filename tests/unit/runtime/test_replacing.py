"""A restore that is killed, wherever that is: what was there is there, or what was restored is."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

from runtime import replacing
from runtime.instance import Instance

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

_MOST_LINES = 400


def a_restore(instance: Instance) -> None:
    """All that is done to the folders, in its order."""
    fresh = replacing.begin(instance)
    (fresh / replacing.WEB / "who").write_text("restored")
    (fresh / replacing.SETTINGS).write_text("of then")
    replacing.replace(instance)
    replacing.keep(instance, instance.data_path / "web.before")


def killed_at_line(number: int, instance: Instance) -> bool:
    """Do it in a process that is gone before the so-manieth line of ours; whether it was."""
    pid = os.fork()
    if pid == 0:
        left = number

        def count(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself, or None
            nonlocal left
            if frame.f_code.co_filename != replacing.__file__:
                return None
            left -= event == "line"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        a_restore(instance)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def test_a_kill_at_any_line_leaves_one_of_both_whole(tmp_path: Path) -> None:
    seen, was_killed = [], True
    for number in range(_MOST_LINES):
        instance = Instance.at(tmp_path / str(number))
        instance.web_path.mkdir(parents=True)
        (instance.web_path / "who").write_text("before")
        was_killed = killed_at_line(number, instance)
        assert (instance.web_path / "who").exists(), f"no web after line {number}"
        replacing.mend(instance)
        who = (instance.web_path / "who").read_text()
        aside = instance.data_path / "web.before/who"
        settings = instance.data_path / "slipway.toml.restored"
        if who == "restored":
            assert aside.read_text() == "before"
            assert settings.read_text() == "of then"
        else:
            assert not aside.exists()
            assert not settings.exists()
        assert not (instance.data_path / ".restored").exists()
        seen.append(who)
        if not was_killed:
            break
    assert not was_killed
    assert seen == sorted(seen)  # first the one, from some line on the other
    assert set(seen) == {"before", "restored"}


def test_nothing_is_taken_away_where_the_file_system_numbers_its_folders_anew(
    tmp_path: Path,
) -> None:
    instance = Instance.at(tmp_path)
    instance.web_path.mkdir()
    (instance.web_path / "who").write_text("before")
    fresh = replacing.begin(instance)
    (fresh / replacing.WEB / "who").write_text("restored")
    replacing.replace(instance)
    for folder in (instance.web_path, fresh / replacing.WEB):
        folder.rename(tmp_path / f"old {folder.parent.name}")  # so its number isn't given again
        shutil.copytree(tmp_path / f"old {folder.parent.name}", folder)
    replacing.mend(instance)
    kept = sorted((folder / "who").read_text() for folder in tmp_path.glob("web*"))
    assert kept == ["before", "restored"]
    assert not fresh.exists()


def test_a_folder_of_the_webs_that_is_a_link_is_put_back_as_well(tmp_path: Path) -> None:
    instance = Instance.at(tmp_path / "data")
    instance.data_path.mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/who").write_text("before")
    instance.web_path.symlink_to("../disk")
    replacing.begin(instance)
    replacing.replace(instance)
    assert not (instance.web_path / "who").exists()
    replacing.mend(instance)
    assert (instance.web_path / "who").read_text() == "before"
