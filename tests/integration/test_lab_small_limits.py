"""What a lab may have of the kernel's smaller things: each is taken until there is no more."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from runtime.container.bundle import load_profile
from tests.integration.lab_harness import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

TAKE = """
import ctypes, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
def shared_memory():
    return libc.shmget(0, 1 << 20, 0o1600)
def segments():
    return libc.shmget(0, 4096, 0o1600)
def queues():
    return libc.msgget(0, 0o1600)
def semaphores():
    return libc.semget(0, 1, 0o1600)
def inotify():
    return libc.inotify_init()
def files():
    return os.open("/dev/null", os.O_RDONLY)
def terminals():
    return os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
def keys():
    return libc.syscall({"x86_64": 248, "aarch64": 217}[os.uname().machine], b"user", b"k", b"v", 1, -3)
held = []
try:
    while (taken := globals()[sys.argv[1]]()) >= 0:
        held.append(taken)
    code = ctypes.get_errno()
except OSError as error:
    code = error.errno
print(len(held), os.strerror(code), sep=":", end="")
"""  # noqa: E501
SYSTEM_V = {
    "shared_memory": (64, "No space left on device"),
    "segments": (256, "No space left on device"),
    "queues": (256, "No space left on device"),
    "semaphores": (128, "No space left on device"),
}
CLEAR = "ipcrm --all"


@pytest.fixture(scope="module")
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "small-limits")
    yield made
    made.remove()


def take(lab: Lab, what: str) -> tuple[int, str]:
    """How many of it the lab gets, and what it is told then."""
    count, _, reason = lab.run("python3", "-c", TAKE, what).text.partition(":")
    return int(count), reason


@pytest.mark.parametrize("what", SYSTEM_V)
def test_a_lab_holds_no_more_system_v_objects_than_it_may(lab: Lab, what: str) -> None:
    ours = load_profile("plain").ipc_sysctls
    if lab.sh("cat /proc/sys/kernel/msgmni").text.strip() != ours["kernel.msgmni"]:
        pytest.skip("this kernel takes these limits from nobody but the server's root")
    assert take(lab, what) == SYSTEM_V[what]
    assert lab.sh(CLEAR).code == 0


def test_system_v_memory_is_the_lab_s_memory(runtime: Server, lab: Lab) -> None:
    """So its limit holds also where the kernel takes no smaller one."""
    before = runtime.client.lab_usage(lab.id)["memory_bytes"]
    fill = "id = libc.shmget(0, 32 << 20, 0o1600)\nlibc.shmat.restype = ctypes.c_void_p\n"
    fill += "ctypes.memset(libc.shmat(id, None, 0), 1, 32 << 20)"
    script = TAKE.partition("held = []")[0] + fill
    assert lab.run("python3", "-c", script, "").code == 0
    assert runtime.client.lab_usage(lab.id)["memory_bytes"] - before > 30 << 20
    assert lab.sh(CLEAR).code == 0
    assert runtime.client.lab_usage(lab.id)["memory_bytes"] - before < 10 << 20


def test_posix_shared_memory_ends_at_its_size_and_its_number_of_files(lab: Lab) -> None:
    size = load_profile("plain").tmpfs["/dev/shm"]
    said = lab.sh("head -c 100M /dev/zero >/dev/shm/a; stat -c %s /dev/shm/a; rm /dev/shm/a")
    assert "No space left on device" in said.text
    assert int(said.text.split()[-1]) == size["size_bytes"]
    said = lab.sh("cd /dev/shm; seq 2000 | xargs touch; ls | wc -l; rm -f [0-9]*")
    assert "No space left on device" in said.text
    assert int(said.text.split()[-1]) == size["inodes"] - 1  # the folder itself is one


def test_a_lab_gets_no_key_of_the_kernel_s(lab: Lab) -> None:
    assert take(lab, "keys") == (0, "Function not implemented")


def test_a_lab_has_as_many_inotify_instances_as_one_user(lab: Lab) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    count, reason = take(lab, "inotify")
    assert (count, reason) == (most, "Too many open files")


def test_a_program_opens_no_more_files_than_it_may(lab: Lab) -> None:
    _, may = load_profile("plain").rlimits["NOFILE"]
    _, server = resource.getrlimit(resource.RLIMIT_NOFILE)
    count, reason = take(lab, "files")
    assert reason == "Too many open files"
    assert min(may, server) - 16 < count <= min(may, server)


def test_a_lab_opens_no_more_terminals_than_it_may(runtime: Server, lab: Lab) -> None:
    count, reason = take(lab, "terminals")
    assert (count, reason) == (63, "No space left on device")  # one is the shell's
    for _ in range(7):
        runtime.client.terminal_open(lab.id)
    with pytest.raises(Problem, match="has 8 terminals already"):
        runtime.client.terminal_open(lab.id)
