#!/usr/bin/python3
"""Passes when the answer is the number by which the server knows a `sleep` of this lab, now."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("server-number", "").strip()
sleeps = [each for each in facts["processes"] if each["comm"] == "sleep"]

print("Expected: the server's number of a `sleep` of yours")
if not sleeps:
    print("Found: no `sleep` runs in your container")
    print("Try: run `sleep 600 &`, open the server's view again, and take its number.")
    sys.exit(1)
for each in sleeps:
    if answer == str(each["pid"]):
        print(f"Found: {answer} on the server, {each['inner_pid']} in your container")
        sys.exit(0)
if answer in {str(each["inner_pid"]) for each in sleeps}:
    print(f"Found: {answer}, which is its number in your container")
else:
    print(f"Found: {answer or 'no number'}, which no `sleep` of yours has")
print("Try: open the server's view, find the row with `sleep`, take the server's number.")
sys.exit(1)
