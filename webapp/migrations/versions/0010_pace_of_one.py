"""More time for one learner than for the class, and one-time links back in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """Nobody of before has any."""
    for table in ("workshops", "learners"):
        column = sa.Column("extra_minutes", sa.Integer(), nullable=False, server_default="0")
        op.add_column(table, column)
    op.create_table(
        "ways_back",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learners.id"], name=op.f("fk_ways_back_learner_id_learners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ways_back")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_ways_back_token_hash")),
    )
    op.create_index(op.f("ix_ways_back_learner_id"), "ways_back", ["learner_id"], unique=False)
