"""The rate of this processor's time stamp counter, which an emulated one shows to its guest."""

from __future__ import annotations

import ctypes
import functools
import mmap
import platform
import time

# rdtsc; shl rdx, 32; or rax, rdx; ret
_READ = bytes.fromhex("0f3148c1e2204809d0c3")
_MEASURE_S = 0.1


@functools.cache
def khz() -> int | None:
    """Measure it, in kHz, to some ten millionths; None on another kind of processor.

    /proc/cpuinfo shows what the processor runs at now, which is another number.
    """
    if platform.machine() != "x86_64":
        return None
    with mmap.mmap(
        -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ) as code:
        code.write(_READ)
        place = ctypes.c_char.from_buffer(code)
        read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(place))
        began_ns, first = time.monotonic_ns(), read()
        time.sleep(_MEASURE_S)
        ended_ns, last = time.monotonic_ns(), read()
        del place
    ticks: int = last - first
    return round(ticks * 1_000_000 / (ended_ns - began_ns))
