#!/usr/bin/python3
"""Passes when `old` has a memory limit, a root that is only read and no capabilities, and answers.

Read from where the learner's engine keeps what it told the OCI runtime. With cgroup v1 an engine
that isn't root's sets no limit: there it counts that one was asked for.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.request import urlopen

HISTORY = Path("/lab/home/learner/.bash_history")
KEPT = Path("/lab/var/lib/engine/overlay-containers")
MOST_BYTES = 64 << 20
can_limit = Path("/lab/sys/fs/cgroup/cgroup.controllers").exists()
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


def spec_of(name: str) -> dict[str, Any] | None:
    """How the engine had a container started; None where it has none of that name."""
    listed = KEPT / "containers.json"
    for each in json.loads(listed.read_text()) if listed.exists() else []:
        if name in each["names"]:
            path = KEPT / each["id"] / "userdata/config.json"
            return json.loads(path.read_text()) if path.exists() else None
    return None


def has_limit(spec: dict[str, Any]) -> bool:
    """Whether it may have so much memory and no more."""
    if not can_limit:
        return re.search(r"--memory[= ]\S+.*\bold-php\b", typed) is not None
    memory = (spec.get("linux", {}).get("resources") or {}).get("memory") or {}
    return 0 < (memory.get("limit") or 0) <= MOST_BYTES


print("Expected: `old`, with 64 MB, a root that can't be written, no capabilities, and its page")
spec = spec_of("old")
if spec is None:
    stop("no container `old` that was started", "run the command `docker run` of the text.")
capabilities = spec["process"].get("capabilities") or {}
missing = [
    option
    for option, stands in (
        ("--memory 64m", has_limit(spec)),
        ("--read-only", spec["root"].get("readonly") is True),
        ("--cap-drop all", not capabilities.get("bounding")),
    )
    if not stands
]
if missing:
    stop(
        f"`old` was started without `{'` and `'.join(missing)}`",
        "remove it with `docker rm -f -t 0 old`, and run the command of the text.",
    )
try:
    page = urlopen("http://127.0.0.1:8056/", timeout=3).read(65536).decode(errors="replace")
except (OSError, URLError):
    stop("it is fenced in, but nothing answers on port 8056", "read `docker logs old`.")
if "PHP" not in page:
    stop("its page doesn't say which PHP made it", "write `~/shop/index.php` as in step 2.")
said = "" if can_limit else "; the limit was asked for, but this server's cgroups are of version 1"
print(f"Found: it is fenced in, and answers{said}")
