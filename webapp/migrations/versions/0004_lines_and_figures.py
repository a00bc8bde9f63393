"""A line that one may leave and come back to; workshops whose `free` shows the container."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Who joined before stands where they stood; workshops of before show the server's figures."""
    op.add_column("learners", sa.Column("lined_up_at", sa.DateTime(), nullable=True))
    op.execute("UPDATE learners SET lined_up_at = joined_at")
    op.add_column(
        "workshops",
        sa.Column("own_figures", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
