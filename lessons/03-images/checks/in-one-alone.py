#!/usr/bin/python3
"""Passes when one of two containers of an image has a file in its layer that the other hasn't.

Read from where the learner's engine keeps its layers, and not asked of it.
"""

import json
import os
import sys
from pathlib import Path

STORE = Path("/lab/var/lib/engine")
FILE = "srv/mine"


def layer(name: str) -> Path | None:
    """Where the engine keeps what a container has written."""
    listed = STORE / "overlay-containers/containers.json"
    rows = json.loads(listed.read_text()) if listed.exists() else []
    for each in rows:
        if name in each["names"]:
            return STORE / "overlay" / each["layer"] / "diff"
    return None


one, two = layer("one"), layer("two")

print("Expected: two containers, `one` and `two`, and a file `/srv/mine` in one of them")
if one is None or two is None:
    print(f"Found: no container `{'one' if one is None else 'two'}`")
    print("Try: run the commands of the text in their order.")
    sys.exit(1)
having = [name for name, path in (("one", one), ("two", two)) if os.path.lexists(path / FILE)]
if len(having) == 1:
    print(f"Found: the file is in the layer of `{having[0]}` alone")
    sys.exit(0)
print(f"Found: the file is in {'both' if having else 'neither'}")
print("Try: `docker exec one touch /srv/mine`, and nothing of that kind in `two`.")
sys.exit(1)
