#!/usr/bin/python3
"""Compares the answer with the limit that the kernel holds the container to."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
limit = int(facts["limits"]["memory_bytes"])
answer = facts["answers"].get("limit-bytes", "").replace(",", "").replace(" ", "")

print("Expected: the limit in bytes, as the file in your cgroup says it")
# The kernel rounds down to whole pages.
if answer.isdecimal() and abs(int(answer) - limit) < 65536:
    print(f"Found: {limit} bytes, {limit // 1024**2} MB")
    sys.exit(0)
if answer.isdecimal() and int(answer) == limit // 1024**2:
    print("Found: the right amount in MB")
    print("Try: the number of bytes, as the first command prints it.")
    sys.exit(1)
print(f"Found: {answer or 'no answer'}")
print("Try: run the first command again; the answer is the number after the colon.")
sys.exit(1)
