"""The web's own commands, run as the web is: SQLite's files must not become root's."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from runtime import folders, log, replacing
from runtime.instance import Instance
from runtime.launch import spawn
from runtime.problems import Problem
from runtime.rows import Plan

if TYPE_CHECKING:
    from runtime.settings import Settings


def as_web(settings: Settings, words: tuple[str, ...]) -> None:
    """Run one of the web's commands as the web is, and exit with its code; no server is needed.

    Raises:
        Problem: why it can't be.
    """
    sys.exit(run(settings, words))


def run(settings: Settings, words: tuple[str, ...], fds: tuple[int, ...] = ()) -> int:
    """Run one of the web's commands as the web is.

    Args:
        settings: of the instance.
        words: the command.
        fds: descriptors that it gets, under the same numbers.

    Returns:
        Its exit code.

    Raises:
        Problem: why it can't be.
    """
    log.start(settings.log_level)
    instance = Instance.at(settings.data)
    os.umask(0o022)
    folders.make(instance)
    lock_fd = _lock_if_free(instance)
    if lock_fd:
        replacing.mend(instance)
    use_fd = folders.use_run(instance)
    try:
        row = dataclasses.replace(_plan(instance, settings).web_noun(words), fds=fds)
        pid, _ = spawn(row, own_terminal=True)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(use_fd)
        lock_fd = lock_fd or _lock_if_free(instance)
        if lock_fd:  # else a server is there, and cleans up behind itself
            folders.clean_run(instance)
            os.close(lock_fd)
    return os.waitstatus_to_exitcode(status)


def _lock_if_free(instance: Instance) -> int | None:
    try:
        return folders.lock(instance, 0)
    except Problem as problem:
        if problem.code != "data-in-use":
            raise
    return None


def _plan(instance: Instance, settings: Settings) -> Plan:
    """The running server's own, so that links lead to where it is and its settings hold."""
    address = folders.address(instance)
    if address is None:
        return Plan.of(instance, settings, None)
    settings = dataclasses.replace(settings, host=address[0], port=address[1])
    return Plan(instance, settings, None, folders.uids(instance))
