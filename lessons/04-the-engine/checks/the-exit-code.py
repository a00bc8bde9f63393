#!/usr/bin/python3
"""Passes when the answer is the exit code of `c1`."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("exit-code", "").strip()
found = next((each for each in facts["engine"]["containers"] if each["name"] == "c1"), None)

print("Expected: the exit code of `c1`, which has ended")
if found is None or found["state"] not in {"exited", "stopped"}:
    print("Found: it hasn't ended")
    print("Try: run `docker stop c1`, then ask for its exit code.")
    sys.exit(1)
if answer == str(found["exit_code"]):
    print(f"Found: {answer}")
    sys.exit(0)
print(f"Found: {answer or 'no number'}")
print("Try: run `docker inspect -f '{{.State.ExitCode}}' c1` and take the number that it prints.")
sys.exit(1)
