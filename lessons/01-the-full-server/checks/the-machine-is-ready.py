#!/usr/bin/python3
"""Passes once the learner's machine has reached its prompt."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
machine = facts["machine"] or {"state": "off"}
starts = ((facts["meter"] or {}).get("machine") or {}).get("starts") or {}
start = starts.get("cold") or starts.get("prepared")

print("Expected: a machine of yours at its prompt")
if machine["state"] == "ready":
    seconds = f", {start['ms'] / 1000:.1f} s after you asked for it" if start else ""
    print(f"Found: it is ready{seconds}")
    sys.exit(0)
words = {
    "off": "it was not booted yet",
    "queued": "it waits in line",
    "booting": "it is booting",
    "ending": "it is stopping",
}
print(f"Found: {words.get(machine['state']) or machine.get('sentence') or 'it has ended'}")
if machine["state"] in {"queued", "booting"}:
    print("Try: wait for its prompt, then check again.")
else:
    print("Try: press Boot the machine, and check again when its prompt is there.")
sys.exit(1)
