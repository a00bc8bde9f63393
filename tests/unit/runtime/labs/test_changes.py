"""What a learner takes home: all that they changed, and nothing that is anybody else's."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.labs.changes import Outlet, pack

if TYPE_CHECKING:
    from pathlib import Path

BASE = 1000
OLD = "image's own"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A root with a file of its image's."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/old").write_text(OLD)
    return root


@pytest.fixture
def since(top: Path) -> float:
    """A moment between the image's files and the learner's, by the file system's coarse clock."""
    ready = (top / "etc/old").stat().st_ctime
    probe = top.parent / "probe"
    while True:
        probe.write_text(str(time.monotonic()))
        if (moment := probe.stat().st_ctime) > ready:
            return moment


def packed(top: Path, since: float) -> bytes:
    ours, theirs = socket.socketpair()
    got = bytearray()

    def read() -> None:
        while chunk := theirs.recv(1 << 16):
            got.extend(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with ours:
            pack(top, since, BASE, Outlet(ours, lambda: False))
    finally:
        reader.join(30)
        theirs.close()
    return bytes(got)


def unpacked(top: Path, since: float) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed(top, since))) as archive:
        return {each.name: each for each in archive}


def test_what_was_changed_is_there_and_what_the_image_brought_is_not(
    top: Path, since: float
) -> None:
    (top / "home").mkdir()
    (top / "home/notes.txt").write_text("mine")
    (top / "home/link").symlink_to("notes.txt")
    with tarfile.open(fileobj=io.BytesIO(packed(top, since))) as archive:
        notes = archive.extractfile("work/home/notes.txt")
        assert notes is not None
        assert notes.read() == b"mine"
        assert archive.getmember("work/home/link").linkname == "notes.txt"
        assert "work/etc/old" not in archive.getnames()


def test_a_file_of_the_image_that_was_only_made_anothers_is_there(top: Path, since: float) -> None:
    os.chown(top / "etc/old", BASE + 7, BASE + 8)
    os.utime(top / "etc/old", (0, 0))  # an old time that was set is no way out
    member = unpacked(top, since)["work/etc/old"]
    assert (member.uid, member.gid) == (7, 8)


def test_no_link_leads_out_and_nothing_but_a_file_is_opened(top: Path, since: float) -> None:
    (top / "shadow").symlink_to("/etc/shadow")
    (top / "folder").symlink_to("/etc")
    os.mkfifo(top / "pipe")
    os.mknod(top / "disk", 0o600 | 0o060000, os.makedev(7, 0))
    with tarfile.open(fileobj=io.BytesIO(packed(top, since))) as archive:
        names = archive.getnames()
        assert archive.getmember("work/shadow").issym()
        assert not [name for name in names if name.startswith("work/folder/")]
        note = archive.extractfile("work/LEFT-OUT.txt")
        assert note is not None
        text = note.read().decode()
    assert "pipe: neither" in text
    assert "disk: neither" in text


def test_holes_are_left_out_with_a_word_and_set_user_id_is_lost(top: Path, since: float) -> None:
    with (top / "huge").open("wb") as file:
        file.truncate(1 << 40)
    (top / "tool").write_text("#!/bin/sh\n")
    (top / "tool").chmod(0o4755)
    found = unpacked(top, since)
    assert "work/huge" not in found
    assert "work/LEFT-OUT.txt" in found
    assert found["work/tool"].mode == 0o755


def test_names_that_are_no_text_and_folders_deeper_than_python_come_along(
    top: Path, since: float
) -> None:
    raw = os.fsencode(top) + b"/t\xe9a\n"
    with open(raw, "w") as file:  # noqa: PTH123 -- a Path is text
        file.write("x")
    subprocess.run(["mkdir", "-p", f"{top}/{'d/' * 1200}"], check=True)
    try:
        found = unpacked(top, since)
    finally:
        subprocess.run(["rm", "-r", f"{top}/d"], check=True)  # pytest would recurse
    assert os.fsdecode(b"work/t\xe9a\n") in found
    assert f"work/{'d/' * 1200}".rstrip("/") in found


def test_what_is_mounted_below_is_not_entered(top: Path, since: float) -> None:
    (top / "mnt").mkdir()
    (top / "other").mkdir()
    (top / "other/file").write_text("elsewhere")
    subprocess.run(["mount", "--bind", top / "other", top / "mnt"], check=True)
    try:
        found = unpacked(top, since)
    finally:
        subprocess.run(["umount", top / "mnt"], check=True)
    assert "work/other/file" in found
    assert "work/mnt/file" not in found


def test_a_file_that_is_cut_and_one_that_grows_spoil_no_archive(top: Path, since: float) -> None:
    path = top / "log"
    path.write_bytes(b"x" * 2_000_000)
    stopping = threading.Event()

    def change() -> None:
        while not stopping.is_set():
            with path.open("ab") as file:
                file.write(b"y" * 5000)
            os.truncate(path, 10)
            path.write_bytes(b"z" * 2_000_000)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(5):
            assert "work/log" in unpacked(top, since)
    finally:
        stopping.set()
        changer.join(30)


def test_who_has_left_gets_no_more(top: Path, since: float) -> None:
    (top / "big").write_bytes(os.urandom(1 << 20))
    ours, theirs = socket.socketpair()
    with ours, theirs, suppress(OSError):
        pack(top, since, BASE, Outlet(ours, lambda: True))
        pytest.fail("it went on")
