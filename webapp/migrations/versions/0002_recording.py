"""Workshops that record terminals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Whether terminals are recorded; those of before are not."""
    op.add_column(
        "workshops",
        sa.Column("recording", sa.String(length=8), nullable=False, server_default="off"),
    )
