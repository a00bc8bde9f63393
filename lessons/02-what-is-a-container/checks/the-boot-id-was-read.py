#!/usr/bin/python3
"""Passes once the boot id was read in the terminal; shows it beside the server's."""

import json
import os
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")

facts = json.load(os.fdopen(3))
here = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
if here != facts["boot_id"]:
    sys.exit("container and server show two boot ids: this is no container of this server")

typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
print("Expected: the boot id, read in your terminal")
if "boot_id" in typed:
    print(f"Found: {here} in your container")
    print(f"{facts['boot_id']} on the server")
    sys.exit(0)
print("Found: you haven't asked for it yet")
print("Try: run `cat /proc/sys/kernel/random/boot_id`, then check again.")
sys.exit(1)
