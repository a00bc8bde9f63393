"""Workshops whose labs reach listed names only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Workshops of before have no list: all of the internet, or none of it."""
    op.add_column("workshops", sa.Column("allowed", sa.JSON(), nullable=False, server_default="[]"))
