"""An archive that is cut off, bent or forged is refused whole."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime import replacing
from runtime.instance import Instance
from runtime.problems import Problem
from runtime.restoring import _put_in_place, _unpack

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"web/key": b"k" * 32, "web/recordings/w/l/0a-1.cast": b"{}\n", "slipway.toml": b""}


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/shadow"
    return info


def packed(
    path: Path,
    files: dict[str, bytes],
    *others: tarfile.TarInfo,
    listed: dict[str, Any] | None = None,
) -> Path:
    """An archive, with a list of these files unless another is given."""
    sums = [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    text = json.dumps({"format": 1, "files": sums} if listed is None else listed).encode()
    with tarfile.open(path, "w:gz") as archive:
        for info in others:
            archive.addfile(info)
        for name, content in [*files.items(), ("manifest.json", text)]:
            info = member(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    folder = tmp_path / "fresh"
    folder.mkdir()
    return folder


def test_a_whole_archive_is_unpacked_as_it_was(tmp_path: Path, fresh: Path) -> None:
    _unpack(packed(tmp_path / "a", GOOD), fresh)
    found = {str(path.relative_to(fresh)): path for path in fresh.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == GOOD
    assert {path.stat().st_mode & 0o777 for path in found.values()} == {0o600}


@pytest.mark.parametrize(
    "info",
    [
        member("web/../../escaped"),
        member("/web/escaped"),
        member("etc/escaped"),
        member("web"),
        member("web/link", tarfile.SYMTYPE),
        member("web/hard", tarfile.LNKTYPE),
        member("web/device", tarfile.BLKTYPE),
        member("web/pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda info: info.name,
)
def test_a_member_that_is_no_file_of_ours_is_refused(
    tmp_path: Path, fresh: Path, info: tarfile.TarInfo
) -> None:
    with pytest.raises(Problem, match="has no place in it"):
        _unpack(packed(tmp_path / "a", GOOD, info), fresh)
    assert not list(tmp_path.rglob("escaped"))


def test_one_byte_that_differs_is_noticed(tmp_path: Path, fresh: Path) -> None:
    sums = [{"name": "web/key", "bytes": 1, "sha256": hashlib.sha256(b"a").hexdigest()}]
    bent = packed(tmp_path / "a", {"web/key": b"b"}, listed={"format": 1, "files": sums})
    with pytest.raises(Problem, match="web/key isn't what was saved"):
        _unpack(bent, fresh)


def test_a_file_that_is_missing_or_too_many_is_noticed(tmp_path: Path, fresh: Path) -> None:
    with pytest.raises(Problem, match=r"slipway\.toml isn't what was saved"):
        _unpack(packed(tmp_path / "a", GOOD, listed={"format": 1, "files": []}), fresh)


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9, 0.99, 0.9999])
def test_an_archive_that_was_cut_off_is_noticed(tmp_path: Path, fresh: Path, share: float) -> None:
    many = GOOD | {f"web/{number}": bytes([number]) * 9999 for number in range(50)}
    whole = packed(tmp_path / "a", many).read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Problem, match="no whole backup"):
        _unpack(cut, fresh)


def test_what_a_later_version_made_is_refused_by_name(tmp_path: Path, fresh: Path) -> None:
    with pytest.raises(Problem, match="a later Slipway"):
        _unpack(packed(tmp_path / "a", {}, listed={"format": 2}), fresh)


@pytest.mark.parametrize("text", ["[]", '"x"', '{"format": 1, "files": [1]}', '{"format": "1"}'])
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, fresh: Path, text: str) -> None:
    with pytest.raises(Problem, match="can't be read"):
        _unpack(packed(tmp_path / "a", {}, listed=json.loads(text)), fresh)


def test_what_is_no_archive_at_all_is_refused(tmp_path: Path, fresh: Path) -> None:
    (tmp_path / "a").write_bytes(b"not an archive" * 100)
    with pytest.raises(Problem, match="no whole backup"):
        _unpack(tmp_path / "a", fresh)
    with pytest.raises(Problem, match="can't be read"):
        _unpack(tmp_path / "absent", fresh)


def test_a_file_system_on_which_folders_cant_change_places_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Path) -> None:  # as NFS does, which can't be had here
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(replacing, "exchange", refuse)
    instance = Instance.at(tmp_path)
    instance.web_path.mkdir()
    replacing.begin(instance)
    with pytest.raises(Problem, match="can't be put in place: Invalid argument") as caught:
        _put_in_place(cast("Any", None), instance)
    assert caught.value.code == "restore-failed"
