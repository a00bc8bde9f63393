"""What instructors note of a learner, for themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Learners of before have none."""
    op.add_column(
        "learners", sa.Column("private_note", sa.Text(), nullable=False, server_default="")
    )
