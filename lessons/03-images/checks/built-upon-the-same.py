#!/usr/bin/python3
"""Passes once `hello` and `hello:first` differ, and begin with the same layers."""

import json
import os
import sys

images = json.load(os.fdopen(3))["engine"]["images"]


def layers(name: str) -> list[str] | None:
    """The layers of an image, by its name."""
    for image in images:
        if f"localhost/{name}" in image["names"]:
            return [layer["digest"] for layer in image["layers"]]
    return None


first, now = layers("hello:first"), layers("hello:latest")

print("Expected: two images, `hello:first` and `hello`, that differ from some layer on")
if first is None or now is None:
    missing = "hello:first" if first is None else "hello"
    print(f"Found: no image `{missing}`")
    print("Try: run the commands of the text in their order.")
    sys.exit(1)
same = 0
for one, other in zip(first, now, strict=False):
    if one != other:
        break
    same += 1
if first == now:
    print("Found: both names stand for the same image")
    print("Try: change the file `greeting`, and build again.")
    sys.exit(1)
if same == 0:
    print("Found: they have no layer in common")
    print("Try: leave the line `FROM busybox` as it is, and build again.")
    sys.exit(1)
print(f"Found: they share {same} and differ above them")
