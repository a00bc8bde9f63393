"""Workshops that stand still for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    """None of before does."""
    op.add_column("workshops", sa.Column("paused_at", sa.DateTime(), nullable=True))
    by = sa.Column("paused_by", sa.String(length=32), nullable=False, server_default="")
    op.add_column("workshops", by)
