"""What Alembic runs for each of its commands.

The connection is the caller's, and so is its transaction.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
