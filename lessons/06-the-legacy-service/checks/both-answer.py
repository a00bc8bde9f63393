#!/usr/bin/python3
"""Passes when ports 8056 and 8080 answer with pages of two different PHPs."""

import re
import sys
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


def version_at(port: int, name: str) -> str:
    """Which PHP made the page on this port."""
    try:
        page = urlopen(f"http://127.0.0.1:{port}/", timeout=3).read(65536).decode(errors="replace")
    except (OSError, URLError):
        stop(f"nothing answers on port {port}", f"look at `docker ps -a`: does `{name}` run?")
    found = re.search(r"PHP (\d+\.\d+\.\d+)", page)
    if found is None:
        stop(f"the page on port {port} names no PHP", "write `~/shop/index.php` as in step 2.")
    return found[1]


print("Expected: pages on ports 8056 and 8080, made by two versions of PHP")
old, new = version_at(8056, "old"), version_at(8080, "new")
if old == new:
    stop(f"both are made by PHP {old}", "start `new` from the image `new-php`.")
print(f"Found: PHP {old} and PHP {new}, both at once")
