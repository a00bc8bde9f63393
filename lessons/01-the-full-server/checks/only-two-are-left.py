#!/usr/bin/python3
"""Passes when nothing is left of what the learner started to fill the server."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
mine = (facts["plan"] or {}).get("mine") or {}
machines, containers = mine.get("machines", 0), mine.get("containers", 0)

print("Expected: at most one machine and one container of yours")
print(f"Found: machines: {machines}, containers: {containers}")
if machines <= 1 and containers <= 1:
    sys.exit(0)
print("Try: press Stop the extra ones.")
sys.exit(1)
