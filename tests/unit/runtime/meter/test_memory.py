"""The parts of a hypervisor's memory are told apart by its mappings."""

from __future__ import annotations

import mmap
import os

import pytest

from runtime.meter import memory

GUEST_BYTES = 37 << 20
CODE_BYTES = 5 << 20


def test_guest_and_translated_code_are_found_by_size_and_by_mode() -> None:
    with (
        mmap.mmap(-1, GUEST_BYTES, flags=mmap.MAP_SHARED) as guest,
        mmap.mmap(-1, CODE_BYTES, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code,
    ):
        guest.write(b"x" * (10 << 20))
        code.write(b"x" * CODE_BYTES)
        parts = memory.parts(os.getpid(), GUEST_BYTES)
    assert parts is not None
    assert parts.guest == pytest.approx(10 << 20, rel=0.05)
    assert parts.translation >= CODE_BYTES


def test_a_process_that_has_ended_has_no_figures() -> None:
    assert memory.pss([2**22 + 1]) is None
    assert memory.parts(2**22 + 1, GUEST_BYTES) is None
