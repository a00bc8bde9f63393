"""Machines: qemu, what it is told and who it runs as, and the talk with the guest. Knows no lab."""
