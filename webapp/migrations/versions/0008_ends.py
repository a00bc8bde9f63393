"""Workshops that overran their time, and certificates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0011"


def upgrade() -> None:
    """None of before has overrun, and nobody has a certificate yet."""
    op.add_column("workshops", sa.Column("overran_at", sa.DateTime()))
    op.add_column(
        "workshops",
        sa.Column("is_end_final", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("learners", sa.Column("certificate_id", sa.String(16)))
    op.add_column(
        "learners",
        sa.Column("certificate_name", sa.String(64), nullable=False, server_default=""),
    )
    op.create_index("ix_learners_certificate_id", "learners", ["certificate_id"], unique=True)
