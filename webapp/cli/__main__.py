"""`python -m webapp.cli`."""

from __future__ import annotations

from webapp.cli.main import run

if __name__ == "__main__":
    run()
