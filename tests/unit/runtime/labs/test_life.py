"""Limits of what isn't a lab, such as lxcfs, are put back; what can't be stops nothing else."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from runtime.labs import life
from runtime.limits.amounts import Limits

if TYPE_CHECKING:
    from runtime.limits.cgroup import Place

LIMITS = Limits(memory_bytes=64 << 20, pids=256, cpu_cores=0.25)


class Group:
    """One cgroup, whose limits somebody took away; the kernel may refuse what it is told."""

    def __init__(self, refuses: int) -> None:
        self.refuses = refuses
        self.limits: Limits | None = None

    def read_limits(self, _group: str) -> Limits | None:
        return self.limits

    def write_limits(self, _group: str, limits: Limits) -> None:
        if self.refuses:
            raise OSError(self.refuses, "as asked")
        self.limits = limits


@pytest.mark.parametrize(
    ("refuses", "said"),
    [(0, ["group.limits_mended"]), (errno.EBUSY, ["group.limits_lost"]), (errno.ENOENT, [])],
)
def test_a_groups_limits_come_back_where_the_kernel_takes_them(
    refuses: int, said: list[str]
) -> None:
    group = Group(refuses)
    with capture_logs() as logs:
        life.hold(cast("Place", group), "lxcfs", LIMITS)
    assert [each["event"] for each in logs] == said
    assert group.limits == (None if refuses else LIMITS)
