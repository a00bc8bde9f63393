"""The parts of a hypervisor's memory are told apart by its mappings."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import pytest

from runtime.meter import memory

if TYPE_CHECKING:
    from pathlib import Path

GUEST_BYTES = 37 << 20
CODE_BYTES = 5 << 20
OWN = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
WRITTEN = mmap.PROT_READ | mmap.PROT_WRITE


def test_guest_and_translated_code_are_found_by_size_and_by_mode(tmp_path: Path) -> None:
    # Of a file, or the kernel makes one area of it and its neighbour.
    saved = tmp_path / "saved"
    saved.write_bytes(b"x" * GUEST_BYTES)
    with (
        saved.open("rb") as file,
        mmap.mmap(file.fileno(), GUEST_BYTES, flags=mmap.MAP_PRIVATE, prot=WRITTEN) as guest,
        mmap.mmap(-1, CODE_BYTES, flags=OWN, prot=WRITTEN | mmap.PROT_EXEC) as code,
    ):
        assert guest.find(b"y") == -1  # all of it is in memory, and shared until it is written
        guest.write(b"z" * (10 << 20))
        code.write(b"x" * CODE_BYTES)
        parts = memory.parts(os.getpid(), GUEST_BYTES)
    assert parts is not None
    assert parts.guest == pytest.approx(10 << 20, rel=0.05)
    assert parts.translation >= CODE_BYTES


def test_a_process_that_has_ended_has_no_figures() -> None:
    assert memory.pss([2**22 + 1]) is None
    assert memory.parts(2**22 + 1, GUEST_BYTES) is None
