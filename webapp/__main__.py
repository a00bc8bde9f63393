"""`python -m webapp`: reads the settings, then serves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from webapp.problems import Problem
from webapp.server import serve
from webapp.settings import read_settings


def main() -> int:
    """Serves until the process is ended; a Problem at the start is one sentence on stderr."""
    os.umask(0o077)  # what the web writes is nobody else's
    config = os.environ.get("SLIPWAY_CONFIG")
    try:
        serve(read_settings(os.environ, Path(config) if config else None))
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
