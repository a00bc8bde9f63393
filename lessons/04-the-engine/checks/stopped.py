#!/usr/bin/python3
"""Passes when `c1` has ended."""

import json
import os
import sys

engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "c1"), None)

print("Expected: `c1`, stopped and not removed")
if found is None:
    print("Found: no container `c1`")
    print("Try: run `docker run -d --name c1 web`, then `docker stop c1`.")
    sys.exit(1)
if found["state"] in {"exited", "stopped"}:
    print(f"Found: it has ended, with exit code {found['exit_code']}")
    sys.exit(0)
print(f"Found: it is {found['state']}")
print("Try: run `docker stop c1` and wait for the prompt.")
sys.exit(1)
