"""Workshops whose learners work in a machine each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Workshops of before give each learner a container."""
    op.add_column(
        "workshops",
        sa.Column("in_machine", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
