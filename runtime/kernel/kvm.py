"""Whether /dev/kvm runs a guest's instructions on the processor, tried with a loop that is timed.

A device that opens proves nothing: where the host is itself a guest, some kernels offer one and
then emulate the guest instruction by instruction. A million turns take a millisecond on a real
processor and over half a second there. Run it in a process that can be killed: KVM_RUN may hang.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
import time
from contextlib import ExitStack
from fcntl import ioctl
from pathlib import Path

DEVICE = Path("/dev/kvm")
TURNS = 1_000_000
_GET_API_VERSION, _CREATE_VM, _GET_VCPU_MMAP_SIZE = 0xAE00, 0xAE01, 0xAE04
_CREATE_VCPU, _SET_TSS_ADDR, _RUN = 0xAE41, 0xAE47, 0xAE80
_SET_USER_MEMORY_REGION, _SET_REGS = 0x4020AE46, 0x4090AE82
_GET_SREGS, _SET_SREGS = 0x8138AE83, 0x4138AE84
_EXIT_HLT = 5
_API_VERSION = 12
_MEMORY_BYTES = 1 << 20
_CODE_AT = 0x1000
# mov ecx, TURNS; again: dec ecx; jnz again; hlt  (32 bits, no paging)
_LOOP = b"\xb9" + struct.pack("<I", TURNS) + b"\x49\x75\xfd\xf4"
_SEGMENT = struct.Struct("<QIHBBBBBBBBBB")  # struct kvm_segment; cs is the first of kvm_sregs
_CR0_AT = 8 * _SEGMENT.size + 2 * 16
_PROTECTED = 1


def time_loop() -> float:
    """Run the loop in a guest and give the seconds that it took.

    Raises:
        OSError: the device isn't there, or refuses something.
    """
    with ExitStack() as opened:

        def keep(fd: int) -> int:
            opened.callback(os.close, fd)
            return fd

        kvm_fd = keep(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
        if ioctl(kvm_fd, _GET_API_VERSION) != _API_VERSION:
            raise OSError("another KVM than this program knows")
        vm_fd = keep(ioctl(kvm_fd, _CREATE_VM, 0))
        ioctl(vm_fd, _SET_TSS_ADDR, 0xFFFBD000 - (1 << 32))  # fcntl takes a signed number
        memory = mmap.mmap(-1, _MEMORY_BYTES)
        memory[_CODE_AT : _CODE_AT + len(_LOOP)] = _LOOP
        place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        ioctl(vm_fd, _SET_USER_MEMORY_REGION, struct.pack("<IIQQQ", 0, 0, 0, _MEMORY_BYTES, place))
        vcpu_fd = keep(ioctl(vm_fd, _CREATE_VCPU, 0))
        shared = mmap.mmap(vcpu_fd, ioctl(kvm_fd, _GET_VCPU_MMAP_SIZE))
        _set_registers(vcpu_fd)
        began = time.perf_counter()
        ioctl(vcpu_fd, _RUN, 0)
        took_s = time.perf_counter() - began
        reason = struct.unpack_from("<I", shared, 8)[0]
        if reason != _EXIT_HLT:
            raise OSError(f"the guest stopped for reason {reason}")
    return took_s


def _set_registers(vcpu_fd: int) -> None:
    sregs = bytearray(312)
    ioctl(vcpu_fd, _GET_SREGS, sregs)
    code = _SEGMENT.pack(0, 0xFFFFFFFF, 8, 11, 1, 0, 1, 1, 0, 1, 0, 0, 0)
    data = _SEGMENT.pack(0, 0xFFFFFFFF, 16, 3, 1, 0, 1, 1, 0, 1, 0, 0, 0)
    for number in range(6):
        at = number * _SEGMENT.size
        sregs[at : at + _SEGMENT.size] = data if number else code
    cr0 = struct.unpack_from("<Q", sregs, _CR0_AT)[0]
    struct.pack_into("<Q", sregs, _CR0_AT, cr0 | _PROTECTED)
    ioctl(vcpu_fd, _SET_SREGS, bytes(sregs))
    regs = [0] * 18
    regs[16], regs[17] = _CODE_AT, 2  # rip, rflags
    ioctl(vcpu_fd, _SET_REGS, struct.pack("<18Q", *regs))


if __name__ == "__main__":
    try:
        print(f"{time_loop():.6f}")  # noqa: T201 - this is how the parent learns it
    except OSError as error:
        sys.exit(error.strerror or str(error))
