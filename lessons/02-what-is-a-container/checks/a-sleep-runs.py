#!/usr/bin/python3
"""Passes while at least one `sleep` runs in the lab; how many doesn't matter."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
numbers = [str(each["inner_pid"]) for each in facts["processes"] if each["comm"] == "sleep"]

print("Expected: a program `sleep` that runs in your container")
if numbers:
    print(f"Found: `sleep`, number {', '.join(numbers)} in your container")
    sys.exit(0)
print("Found: no `sleep` runs there")
print("Try: run `sleep 600 &`, then check again.")
sys.exit(1)
