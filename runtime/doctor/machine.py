"""A hint about virtual machines; only starting one tells."""

from __future__ import annotations

import os
from pathlib import Path

from runtime.doctor.finding import Finding, advised

_DEVICE = Path("/dev/kvm")


def kvm() -> Finding:
    """Whether the device opens; that a guest then runs, a bounded start has to show."""
    try:
        os.close(os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC))
        said = ""
    except OSError as error:
        said = error.strerror or str(error)
    return advised(
        "kvm",
        good=not said,
        found=f"{_DEVICE}: {said}" if said else f"{_DEVICE} opens",
        wanted="hardware virtualisation",
        fix="Containers don't need it. Without it, virtual machines are emulated, and slow.",
    )
