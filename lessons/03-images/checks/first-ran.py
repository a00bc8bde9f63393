#!/usr/bin/python3
"""Passes once a container `first` of the image `web` ran to its end."""

import json
import os
import sys

engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "first"), None)

print("Expected: a container `first`, made from `web`, that has ended without an error")
if found is None:
    print("Found: no container of that name")
    print("Try: run `docker run --name first web cat /srv/index.html`, then check again.")
    sys.exit(1)
image = found["image"].rsplit("/", 1)[-1].removesuffix(":latest")
if image == "web" and found["state"] == "exited" and found["exit_code"] == 0:
    print("Found: `first` ran from `web` and ended with 0")
    sys.exit(0)
print(f"Found: `first`, made from `{image}`: {found['state']}, exit code {found['exit_code']}")
print("Try: remove it with `docker rm -f first`, and run the command of the text again.")
sys.exit(1)
