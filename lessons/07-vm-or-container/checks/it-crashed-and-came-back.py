#!/usr/bin/python3
"""Passes when the machine's kernel has crashed and the machine is at its prompt again."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
machine = facts["machine"] or {"state": "off"}
has_crashed = (machine.get("last_end") or {}).get("reason") == "crashed"

print("Expected: a machine that crashed, and is at its prompt again")
if machine["state"] == "ready" and has_crashed:
    print("Found: it crashed, and it is back; this check ran in the container all along")
    sys.exit(0)
if machine["state"] == "ready":
    print("Found: it runs, and it has not crashed yet")
    print("Try: run the first command in the machine.")
elif has_crashed or machine.get("reason") == "crashed":
    print("Found: it crashed, and it is not at its prompt")
    print("Try: press Boot it again, and wait for its prompt.")
else:
    print("Found: no machine at its prompt")
    print("Try: boot the machine first.")
sys.exit(1)
