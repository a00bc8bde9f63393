#!/usr/bin/python3
"""Passes once an image `hello` stands upon the layers of `busybox`, with some of its own."""

import json
import os
import sys

images = json.load(os.fdopen(3))["engine"]["images"]


def layers(name: str) -> list[str] | None:
    """The layers of an image, by its name."""
    for image in images:
        if f"localhost/{name}:latest" in image["names"]:
            return [layer["digest"] for layer in image["layers"]]
    return None


hello, base = layers("hello"), layers("busybox") or []

print("Expected: an image `hello` upon `busybox`, with layers of its own")
if hello is None:
    print("Found: no image `hello`")
    print("Try: run `docker build -t hello .` in the folder `hello`, then check again.")
    sys.exit(1)
own = len(hello) - len(base)
if hello[: len(base)] != base or own < 1:
    print(f"Found: an image `hello` of {len(hello)} layers, not upon `busybox` or with nothing new")
    print("Try: write the Containerfile as in the text, and build again.")
    sys.exit(1)
print(f"Found: `hello`, with {own} layer{'' if own == 1 else 's'} of its own upon `busybox`")
