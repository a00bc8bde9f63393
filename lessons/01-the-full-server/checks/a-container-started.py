#!/usr/bin/python3
"""Passes once a container of the learner's started after a machine had been refused."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
plan = facts["plan"] or {}
start = (plan.get("mine") or {}).get("container_start")

print("Expected: a container that started after a machine was refused")
if plan.get("after_refusal"):
    seconds = f", its first prompt after {start['ms']:.0f} ms" if start else ""
    print(f"Found: it started{seconds}")
    sys.exit(0)
if plan.get("refused"):
    print("Found: the machine was refused, and no container was started since")
    print("Try: press Start a container instead.")
else:
    print("Found: no machine was refused yet")
    print("Try: do the step before this one first.")
sys.exit(1)
