"""`python -m webapp.cli`."""

from __future__ import annotations

import os

from webapp.cli.main import run

if __name__ == "__main__":
    os.umask(0o077)  # what the web writes is nobody else's
    run()
