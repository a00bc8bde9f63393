"""Whose labs were being set up as the server ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Of labs from before that is not known: they are as they are."""
    op.add_column(
        "learners",
        sa.Column("is_being_set_up", sa.Boolean(), nullable=False, server_default="0"),
    )
