"""How far a class may go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """In workshops of before no step is locked."""
    op.add_column("workshops", sa.Column("open_to", sa.String(length=200), nullable=True))
