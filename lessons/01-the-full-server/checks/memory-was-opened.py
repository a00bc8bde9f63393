#!/usr/bin/python3
"""Passes once the learner has opened how the panel's memory row is measured."""

import json
import os
import sys

MB = 1024 * 1024

facts = json.load(os.fdopen(3))
figures = (facts["meter"] or {}).get("machine") or {}

print("Expected: the explanation of the memory row, opened")
if "measured-memory" not in facts["presses"]:
    print("Found: it was not opened yet")
    print("Try: press the round i at the end of the row, then check again.")
    sys.exit(1)
if figures.get("memory_bytes"):
    print(f"Found: opened; the server spends {figures['memory_bytes'] / MB:.0f} MB on your machine")
else:
    print("Found: opened")
sys.exit(0)
