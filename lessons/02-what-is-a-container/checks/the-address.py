#!/usr/bin/python3
"""Passes when the answer is the lab's address."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
written = facts["answers"].get("address", "").strip()
answer = written.partition("/")[0]

print("Expected: the address of your container")
if answer == facts["address"]:
    print(f"Found: {answer}, your end of the cable")
    sys.exit(0)
if answer.startswith("127.") or answer == "::1":
    print(f"Found: {answer}, which is the loopback")
else:
    print(f"Found: {written or 'nothing'}, which isn't it")
print("Try: run `ip -br addr` and take the address from the line that isn't `lo`.")
sys.exit(1)
