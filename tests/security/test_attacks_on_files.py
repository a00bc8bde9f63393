"""Disks filled, links laid in the daemon's way, and images that hold what they shouldn't."""

from __future__ import annotations

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.image import boot
from runtime.image.build import Builder
from runtime.image.definition import Definition, definitions
from runtime.image.store import Store
from runtime.limits.disk import IMAGE
from runtime.problems import Problem
from tests.conftest import BASE
from tests.integration.lab_harness import Lab, quoted
from tests.security.arena import SMALL
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.store import Image
    from tests.conftest import Server
    from tests.security.arena import Arena

FILL = {
    "disk: bytes": "cat /dev/zero >/home/learner/large-$n",
    "disk: inodes": "mkdir /home/learner/$n && cd /home/learner/$n && touch $(seq 1 9000)",
    "disk: /tmp": "cat /dev/zero >/tmp/large-$n",
    "disk: /dev/shm": "cat /dev/zero >/dev/shm/large-$n",
    "disk: sparse files": "truncate -s 1T /tmp/sparse-$n; cat /dev/zero >>/tmp/large-$n",
}
DELETED = """
import os, time
held = []
while True:
    held.append(os.open(f"/tmp/gone-{len(held) % 100}", os.O_CREAT | os.O_RDWR))
    os.unlink(f"/tmp/gone-{(len(held) - 1) % 100}")
    try:
        while True: os.write(held[-1], bytes(1 << 20))
    except OSError:
        open("/dev/shm/refused", "w").close()
        time.sleep(0.01)
        os.close(held.pop())
"""
LINKS = """
import ctypes, itertools, os, sys
libc = ctypes.CDLL(None)
targets = sys.argv[1:]
places = ["/etc/hosts", "/etc/resolv.conf", "/etc/passwd", "/home/learner", "/tmp/x", "/lab"]
for number in itertools.count():
    place, target = places[number % len(places)], targets[number % len(targets)]
    for there in (place, place + ".old"):
        try: os.rename(there, there + ".old")
        except OSError: pass
    try: os.symlink(target, place)
    except OSError: pass
    libc.mount(target.encode(), place.encode(), None, 4096, None)  # MS_BIND
    libc.mount(b"none", place.encode(), b"tmpfs", 0, None)
    try:
        os.unlink(place)
        os.rename(place + ".old", place)
    except OSError: pass
"""


@pytest.mark.parametrize("what", FILL)
def test_a_disk_that_is_filled_by(arena: Arena, what: str) -> None:
    before = _taken(arena)
    with arena.attack(what, "the lab's own disk, or the tmpfs's size and inodes") as row:
        script = (
            f"n=0; while :; do n=$((n + 1)); {FILL[what]}; echo >/run/refused; done 2>/dev/null"
        )
        arena.mallory.begin(script, user="root")
        full = Path(f"/proc/{arena.mallory.record['pid']}/root/run/refused")
        wait_for(full.exists, "the disk to be full", deadline_s=60)
        row.compare()
        _still_written(arena, before)


def test_a_disk_that_is_filled_by_deleted_files(arena: Arena) -> None:
    before = _taken(arena)
    with arena.attack("disk: deleted open files", "the lab's own disk") as row:
        arena.mallory.begin(f"exec python3 -c {quoted(DELETED)}", user="root")
        full = Path(f"/proc/{arena.mallory.record['pid']}/root/dev/shm/refused")
        wait_for(full.exists, "the disk to be full", deadline_s=60)
        row.compare()
        _still_written(arena, before)


def _taken(arena: Arena) -> int:
    """What the attacker's disk takes of the server's, in blocks of 512 bytes."""
    folder = arena.runtime.instance.labs_path / arena.mallory.id
    return (folder / IMAGE).stat().st_blocks


def _still_written(arena: Arena, before: int) -> None:
    """The neighbour's file is kept, and the lab took no more of the server than its disk."""
    assert arena.witness.lab.sh("echo kept >/root/kept && sync /root/kept && cat /root/kept").text
    assert _taken(arena) == before


@pytest.fixture
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the server's that a link may be laid to."""
    path = tmp_path_factory.mktemp("server") / "canary"
    path.write_text("the server's own\n")
    path.chmod(0o600)
    return path


@pytest.mark.kernel
def test_links_laid_in_the_way_of_the_daemon(arena: Arena, canary: Path) -> None:
    """While links come and go, the daemon does to the lab whatever it does to labs."""
    client, lab = arena.runtime.client, arena.mallory
    targets = [str(canary), str(canary.parent), "/proc/1/root", "../../../../..", "/etc/shadow"]
    before = _seen(canary)
    with arena.attack("symlink and mount races", "openat2 without links; own mounts") as row:
        words = " ".join(quoted(word) for word in ["python3", "-c", LINKS, *targets])
        lab.begin(f"exec {words}", user="root")
        row.compare()
        for _ in range(5):
            said = lab.check(
                "#!/bin/sh\ncat /lab/etc/hosts /lab/lab /lab/etc/passwd 2>/dev/null; true"
            )
            assert "the server's own" not in said["stdout"]
            lab.run("true")
            client.lab_usage(lab.id)
            client.lab_processes(lab.id)
            terminal = client.terminal_open(lab.id)["terminal"]
            client.terminal_close(terminal)
    lab.remove()
    assert _seen(canary) == before


def _seen(path: Path) -> object:
    stat = path.stat()
    folder = path.parent.stat()
    return path.read_text(), stat.st_mode, stat.st_uid, stat.st_mtime, folder.st_mode, folder.st_uid


@pytest.mark.kernel
def test_no_descriptor_and_no_folder_of_the_server_is_in_a_lab(arena: Arena) -> None:
    look = (
        "for p in /proc/[0-9]*; do readlink $p/cwd $p/root $p/exe; "
        "for f in $p/fd/*; do readlink $f; done; done 2>/dev/null | sort -u"
    )
    with arena.attack("descriptors and folders left open", "closed before a program starts") as row:
        own = (
            "/dev/",
            "pipe:",
            "socket:",
            "/memfd:",
            "/home/",
            "/usr/",
            "/tmp/",
            "/proc/",
            "anon_",
        )
        seen = arena.mallory.sh(look).text.split("\n")
        assert [
            text for text in seen if text not in ("", "/", "/root") and not text.startswith(own)
        ] == []
        assert not [text for text in seen if str(arena.runtime.instance.data_path) in text]
        arena.mallory.begin(f"while :; do {look} >/dev/null; done", user="root")
        row.compare()


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return path


PASSWD = b"root:x:0:0::/root:/bin/sh\nlearner:x:1000:1000::/home/learner:/bin/sh\n"
OUTSIDE = "slipway-test-outside"


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("a path with ..", [(member(f"../../{OUTSIDE}"), b"x")]),
        ("an absolute path", [(member(f"/var/tmp/{OUTSIDE}"), b"x")]),
        (
            "a file through a link",
            [
                (member("out", tarfile.SYMTYPE, linkname="/var/tmp"), b""),
                (member(f"out/{OUTSIDE}"), b"x"),
            ],
        ),
        ("a hard link outwards", [(member("hard", tarfile.LNKTYPE, linkname="/etc/shadow"), b"")]),
        (
            "devices and whiteouts",
            [
                (member("disk", tarfile.BLKTYPE, devmajor=8, devminor=0), b""),
                (member("etc/gone", tarfile.CHRTYPE, devmajor=0, devminor=0), b""),
                (member(".wh..wh..opq"), b""),
                (member(".wh..wh.etc"), b""),
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_archive_that_wants_to_leave_its_folder(
    arena: Arena,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    members: list[tuple[tarfile.TarInfo, bytes]],
) -> None:
    monkeypatch.setattr(boot, "add", lambda *_: None)  # no machine is wanted here
    path = archive(tmp_path / "image.tar", (member("etc/passwd"), PASSWD), *members)
    store = Store(tmp_path / "images")
    known: dict[str, Definition] = {"hostile/image": definitions()[BASE]}
    with arena.attack(f"image archive: {name}", "tar keeps to its folder; no devices") as row:
        try:
            Builder(store, known).build(
                "hostile/image", lambda _step, _percent: None, root=str(path)
            )
        except Problem as problem:
            row.stopped_by = f"refused ({problem.code}); nothing is kept"
            assert not store.has("hostile/image")
        row.compare()
    assert not Path("/var/tmp", OUTSIDE).exists()
    found = [each for each in tmp_path.rglob("*") if each.name == OUTSIDE]
    assert all(each.is_relative_to(store.path) and "rootfs" in each.parts for each in found)
    assert not [each for each in store.path.rglob("*") if each.is_block_device()]
    assert not [each for each in store.path.rglob("*") if each.is_char_device()]


@pytest.fixture
def hostile(runtime: Server, base_image: Image, tmp_path: Path) -> Iterator[Lab]:
    """A lab of an image that was changed by hand: what no build of ours would let pass."""
    place = Store(runtime.instance.images_path).place("hostile/image")
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", str(base_image.rootfs_path.parent), str(place)], check=True)
    text = (place / "image.json").read_text()
    (place / "image.json").unlink()
    (place / "image.json").write_text(text.replace(BASE, "hostile/image"))
    root = place / "rootfs"
    for owner, name in ((0, "as-root"), (70000, "as-nobody"), (1 << 30, "as-anybody")):
        subprocess.run(["cp", "--remove-destination", root / "usr/bin/id", root / name], check=True)
        os.chown(root / name, owner, owner)
        (root / name).chmod(0o6755)
    os.mknod(
        root / "disk",
        0o60666,
        os.makedev(8, 0),
    )
    os.mknod(root / "memory", 0o20666, os.makedev(1, 1))
    (root / "lab").symlink_to(tmp_path)
    lab = Lab(runtime.client, "hostile", image="hostile/image", limits=SMALL)
    yield lab
    lab.remove()
    subprocess.run(["rm", "-rf", str(place)], check=True)


@pytest.mark.kernel
def test_an_image_with_setuid_programs_devices_and_links(arena: Arena, hostile: Lab) -> None:
    base = hostile.record["uid_base"]
    with arena.attack("image: setuid, foreign ids, devices", "user namespace; device rules") as row:
        for name in ("as-root", "as-nobody", "as-anybody"):
            said = hostile.run(f"/{name}", user="learner").text
            assert "euid=0(root)" in said if name == "as-root" else "euid" not in said
        hostile.begin("exec sleep 600", user="root")
        mine = {each["uid"] for each in hostile.client.lab_processes(hostile.id)}
        assert all(base <= uid < base + 65536 for uid in mine)
        for device in ("disk", "memory"):
            assert "Operation not permitted" in hostile.sh(f"head -c 1 /{device}").text
        arena.mallory.begin("while :; do /usr/bin/id; done >/dev/null")
        row.compare()
    with pytest.raises(Problem, match="could not be started"):
        hostile.check("#!/bin/sh\ntrue")  # where /lab is a link, nothing is mounted on its end
