"""What the forked helper does to put a check into a lab; it runs in a process of its own.

The order is the meaning: all that needs the server's root comes before the user namespace of the
check's own is entered, and after that nothing of the server can be reached any more.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.kernel import beneath, namespaces, syscalls

if TYPE_CHECKING:
    from runtime.kernel.forked import Talk

INNER_UID = 70000  # outside the lab's 65536, so nobody in the lab can be it or signal it
_CAP_DAC_READ_SEARCH = 2
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NOT_EXECUTABLE = 126
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/tmp",  # noqa: S108 - the check's own, gone with it
}
# A check that runs wild harms nobody; it lies outside the lab's limits.
_LIMITS = {
    resource.RLIMIT_AS: 256 << 20,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 8 << 20,
    resource.RLIMIT_NOFILE: 256,
    resource.RLIMIT_NPROC: 64,
}


def check(talk: Talk, args: dict[str, Any], fds: list[int]) -> None:
    """Run a check to its end and tell its exit code; None when its time was over.

    Args:
        talk: to the daemon; when it closes, the check is killed.
        args: `image`, `scratch` (an empty folder), `uid_base`, `check_uid`, `timeout_s`.
        fds: the lab's pidfd, the facts, the script, then where output and errors go.
    """
    lab_fd = fds[0]
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    root = _build_root(lab_fd, args["image"], args["scratch"])
    user_fd = _check_namespace(args["uid_base"], args["check_uid"])
    kinds = syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET
    syscalls.setns(lab_fd, kinds | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC)
    pid = os.fork()
    if pid == 0:
        try:
            _become_check(root, user_fd, fds)
        except OSError as error:
            talk.send({"errno": error.errno or errno.EIO, "text": str(error)})
        finally:
            os._exit(_NOT_EXECUTABLE)
    code = _wait(talk, pid, args["timeout_s"])
    _sweep(args["check_uid"])
    talk.send({"code": code})


def _build_root(lab_fd: int, image: str, scratch: str) -> str:
    """The image under a layer of memory, with the lab's root, read-only, at /lab."""
    namespaces.own_mounts()
    mine_fd = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    syscalls.setns(lab_fd, syscalls.CLONE_NEWNS)
    # A path through /proc/PID/root is refused (EINVAL): one has to be inside to clone its mounts.
    flags = syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE
    lab_tree = syscalls.open_tree(syscalls.AT_FDCWD, "/", flags)
    syscalls.setns(mine_fd, syscalls.CLONE_NEWNS)
    syscalls.mount("tmpfs", scratch, "tmpfs", 0, "size=32m,nr_inodes=8k,mode=755")
    for name in ("upper", "work", "root"):
        Path(scratch, name).mkdir()
    layers = f"lowerdir={image},upperdir={scratch}/upper,workdir={scratch}/work"
    root = f"{scratch}/root"
    syscalls.mount("overlay", root, "overlay", 0, layers)
    with beneath.folder(root) as root_fd:  # the image is somebody's, and may hold links
        lab_path = beneath.place(root_fd, "lab")
        syscalls.move_mount(lab_tree, lab_path, "")
        os.close(lab_path)
        lab_path = beneath.place(root_fd, "lab")
        closed = syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV
        syscalls.mount_setattr(lab_path, closed, recursive=True)
        _mount_at(root_fd, "dev", "tmpfs", "size=64k,nr_inodes=32,mode=755")
        _make_devices(root)
    return root


def _mount_at(root_fd: int, name: str, fstype: str, options: str = "") -> None:
    place_fd = beneath.place(root_fd, name)
    try:
        syscalls.mount(fstype, f"/proc/self/fd/{place_fd}", fstype, 0, options)
    finally:
        os.close(place_fd)


def _make_devices(root: str) -> None:
    """Fill /dev, which is ours by now."""
    for name in _DEVICES:
        Path(root, "dev", name).touch()
        syscalls.mount(f"/dev/{name}", f"{root}/dev/{name}", "", syscalls.MS_BIND)
    Path(root, "dev/fd").symlink_to("/proc/self/fd")


def _check_namespace(uid_base: int, check_uid: int) -> int:
    """A user namespace in which the check is 70000, and the lab's files have their owners.

    In the lab's own, the lab's root could kill the check; in the first, the check would be the
    server's root.
    """
    ready_fd, tell_fd = os.pipe()
    mapped_fd, release_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(tell_fd, b".")
        os.read(mapped_fd, 1)
        os._exit(0)
    os.read(ready_fd, 1)
    namespaces.write_maps(pid, [(0, uid_base, 65536), (INNER_UID, check_uid, 1)])
    user_fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    os.write(release_fd, b".")
    os.waitpid(pid, 0)
    for fd in (ready_fd, tell_fd, mapped_fd, release_fd):
        os.close(fd)
    return user_fd


def _become_check(root: str, user_fd: int, fds: list[int]) -> None:
    _, facts_fd, script_fd, stdout_fd, stderr_fd = fds
    with beneath.folder(root) as root_fd:
        _mount_at(root_fd, "proc", "proc")  # of the lab's pids, since we are among them
    os.chdir(root)
    syscalls.pivot_root(".", ".")
    syscalls.umount2(".", syscalls.MNT_DETACH)
    os.chdir("/")
    os.setsid()
    for kind, most in _LIMITS.items():
        resource.setrlimit(kind, (most, most))
    syscalls.setns(user_fd, syscalls.CLONE_NEWUSER)
    os.setgroups([])
    os.setresgid(INNER_UID, INNER_UID, INNER_UID)
    os.setresuid(INNER_UID, INNER_UID, INNER_UID)
    reading = 1 << _CAP_DAC_READ_SEARCH  # the lab's private files; writing is shut by the mount
    syscalls.capset(reading, reading, reading)
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    stdin_fd = os.open("/dev/null", os.O_RDONLY)
    _arrange([stdin_fd, stdout_fd, stderr_fd, facts_fd, script_fd])
    _execute(4)


def _arrange(fds: list[int]) -> None:
    """Give these descriptors the numbers from 0 on, and close all others."""
    high = [os.dup2(fd, 100 + number) for number, fd in enumerate(fds)]
    for number, fd in enumerate(high):
        os.dup2(fd, number)
    os.closerange(len(fds), 256)


def _execute(script_fd: int) -> None:
    try:
        os.execve(script_fd, ["check"], _ENVIRONMENT)  # noqa: S606 - this is what it is for
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A shell would take over here too.
        os.execve("/bin/sh", ["sh", f"/dev/fd/{script_fd}"], _ENVIRONMENT)  # noqa: S606


def _wait(talk: Talk, pid: int, timeout_s: float) -> int | None:
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(talk.fileno(), select.POLLIN)  # readable when the daemon is gone
    ready = {fd for fd, _ in poll.poll(timeout_s * 1000)}
    if pidfd not in ready:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if pidfd not in ready:
        return None
    return code if code >= 0 else 128 - code


def _sweep(check_uid: int) -> None:
    """Kill what the check has left running: all in the lab that has its id, and nobody else."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(check_uid, check_uid, check_uid)
        os.setresuid(check_uid, check_uid, check_uid)
        try:
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
