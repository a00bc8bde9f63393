#!/usr/bin/python3
"""Passes once the cold starts of machine and container are both measured."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
meter = facts["meter"] or {}
starts = {}
for side in ("machine", "container"):
    start = ((meter.get(side) or {}).get("starts") or {}).get("cold")
    if start:
        starts[side] = f"{start['ms'] / 1000:.2f} s"

print("Expected: a cold start of the machine and one of a container, both measured")
if len(starts) == 2:
    print(f"Found: machine {starts['machine']}, container {starts['container']}")
    sys.exit(0)
missing = "the machine's" if "machine" not in starts else "the container's"
print(f"Found: {missing} cold start is not measured yet")
print("Try: press Boot the machine, and wait for its prompt.")
sys.exit(1)
