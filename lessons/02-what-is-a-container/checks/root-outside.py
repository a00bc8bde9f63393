#!/usr/bin/python3
"""Passes when the answer is the user id that the container's root has on the server."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("root-outside", "").strip()
outside = str(facts["uid_base"])

print("Expected: the user id of your container's root on the server")
if answer == outside:
    print(f"Found: {outside}; the server has no account with this number")
    sys.exit(0)
if answer == "0":
    print("Found: 0, which is root's id inside your container")
else:
    print(f"Found: {answer or 'no number'}, which isn't it")
print("Try: run `cat /proc/self/uid_map` and take the second number of the line.")
sys.exit(1)
