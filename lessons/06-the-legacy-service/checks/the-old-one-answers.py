#!/usr/bin/python3
"""Passes when a container of `old-php` runs and the shop's page on port 8056 is made by its PHP."""

import json
import os
import re
import sys
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "old"), None)


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: a container `old`, and a page on port 8056 that says which PHP made it")
if found is None:
    stop("no container `old`", "run the command `docker run` of the text.")
if found["state"] != "running":
    stop(f"`old` is {found['state']}", "read `docker logs old`, remove it, and run it again.")
try:
    page = urlopen("http://127.0.0.1:8056/", timeout=3).read(65536).decode(errors="replace")
except (OSError, URLError):
    stop("nothing answers on port 8056", "look at `docker ps`: is port 8056 led to port 8000?")
version = re.search(r"PHP (\d+\.\d+)", page)
if version is None:
    stop("the page doesn't say which PHP made it", "write `~/shop/index.php` as in the text.")
print(f"Found: PHP {version[1]} made the page")
