"""Whether machines can run here, and how fast."""

from __future__ import annotations

import shutil

from runtime.doctor.finding import Finding, advised
from runtime.instance import ACCELERATOR
from runtime.kernel.spawn import PATH
from runtime.machine.accelerator import Accelerator
from runtime.machine.qemu import PROGRAM


def kvm() -> Finding:
    """Tried with a guest that is timed, since a device that opens may still emulate."""
    verdict = Accelerator(ACCELERATOR).verdict()
    return advised(
        "kvm",
        good=verdict.is_good,
        found=verdict.why,
        wanted="hardware virtualisation that runs a guest",
        fix="Containers don't need it. Without it, virtual machines are emulated, and slow.",
    )


def emulator() -> Finding:
    """The program that runs machines, with KVM or without."""
    path = shutil.which(PROGRAM, path=PATH)
    return advised(
        "qemu",
        good=bool(path),
        found=path or f"no {PROGRAM}",
        wanted=f"{PROGRAM}, for lessons with virtual machines",
        fix="Run `./slipway serve`, which installs it, or `apt-get install qemu-system-x86`.",
    )
