#!/usr/bin/python3
"""Passes once the work was done on both sides; says both rates."""

import json
import os
import sys

WORK = "calls"

facts = json.load(os.fdopen(3))
done = next((each for each in facts["works"] if each["work"] == WORK), {})
rates = {
    side: f"{done[side]['rate']:.3g} {done[side]['unit']}"
    for side in ("machine", "container")
    if done.get(side)
}

print("Expected: the work, done by machine and container")
if len(rates) == 2:
    print(f"Found: machine {rates['machine']}, container {rates['container']}")
    if done.get("accelerator") == "tcg":
        print("(the machine's processor is imitated here)")
    sys.exit(0)
if rates:
    print("Found: only the container did it")
    print("Try: boot the machine, then press Run in both.")
else:
    print("Found: it was not run yet")
    print("Try: press Run in both, and wait until both sides are done.")
sys.exit(1)
