"""Where those begin who come when the class is at a step already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """In workshops of before everybody begins at the start."""
    op.add_column("workshops", sa.Column("brought_to", sa.String(length=200), nullable=True))
    by = sa.Column("brought_by", sa.String(length=32), nullable=False, server_default="")
    op.add_column("workshops", by)
    op.add_column("learners", sa.Column("begins_with", sa.String(length=200), nullable=True))
