"""Names that learners give to their terminals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """What each learner calls the terminals of their lab; nobody has said yet."""
    op.add_column(
        "learners",
        sa.Column("terminal_names", sa.JSON(), nullable=False, server_default="{}"),
    )
