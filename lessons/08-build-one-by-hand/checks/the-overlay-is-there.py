#!/usr/bin/python3
"""Runs in the machine: passes when /box/root is an overlay and something was written through it."""

import sys
from pathlib import Path

ROOT, UPPER = Path("/lab/box/root"), Path("/lab/box/upper")

mounts = [line.split() for line in Path("/proc/1/mounts").read_text().splitlines()]
kinds = {fields[1]: fields[2] for fields in mounts}

print("Expected: an overlay at `/box/root`, and a file written through it")
if kinds.get("/box/root") != "overlay":
    print(
        f"Found: {'a ' + kinds['/box'] + ' at `/box`, and' if '/box' in kinds else ''} no overlay"
    )
    print("Try: run the commands of the text, one after the other.")
    sys.exit(1)
written = [entry.name for entry in UPPER.iterdir()] if UPPER.is_dir() else []
seen = [name for name in written if (ROOT / name).exists()]
if seen:
    print(f"Found: `{seen[0]}` in the merged tree, kept in `/box/upper`")
    sys.exit(0)
print("Found: the overlay is there, and nothing was written into it")
print("Try: `echo mine | sudo tee /box/root/mine`, then check again.")
sys.exit(1)
