"""The server's own key, and what is derived from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """The key in that file; made at the first start, readable by its owner only.

    Written beside and linked into place, so that two processes that start at once agree on one.
    """
    if not path.exists():
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return path.read_bytes()


def derive_pin(key: bytes, learner: str, turn: int) -> str:
    """A learner's four digits. Derived, never stored, so a stolen database holds no PIN.

    Hashing ten thousand possible PINs would protect none of them; and the learner's page can show
    it again.
    """
    digest = hmac.digest(key, f"pin:{learner}:{turn}".encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:8], 'big') % 10_000:04d}"
