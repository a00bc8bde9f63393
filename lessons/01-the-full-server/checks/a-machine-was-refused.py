#!/usr/bin/python3
"""Passes once the server has refused the learner one more machine."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
plan = facts["plan"] or {}
refused = plan.get("refused") or {}
machines = (plan.get("mine") or {}).get("machines", 0)

print("Expected: one machine that your server refused")
if refused.get("kind") == "machine":
    print(f"Found: {refused['sentence']}")
    sys.exit(0)
print(f"Found: {machines} machine{'' if machines == 1 else 's'} of yours, and none refused yet")
print("Try: press Start one more machine until the answer is no.")
sys.exit(1)
