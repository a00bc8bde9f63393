"""What the operator allows bounds whatever is asked for."""

from __future__ import annotations

from dataclasses import replace

from runtime.limits.amounts import Limits


def test_no_limit_is_beyond_what_one_lab_may_have() -> None:
    most = Limits(memory_bytes=64 << 20, pids=20, cpu_cores=0.5, disk_bytes=(80 << 20) + 5)
    assert Limits().within(most) == replace(most, disk_bytes=80 << 20)
    assert Limits(pids=16).within(Limits()) == Limits(pids=16)
