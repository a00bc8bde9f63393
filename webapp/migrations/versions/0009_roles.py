"""Roles, assistants of workshops, when a sign-in was used last, and the audit log."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Who was here first and can sign in is the owner; all others stay instructors."""
    op.add_column(
        "people",
        sa.Column("role", sa.String(length=12), nullable=False, server_default="instructor"),
    )
    op.add_column(
        "people", sa.Column("public_id", sa.String(length=16), nullable=False, server_default="")
    )
    _fill()
    op.create_index(op.f("ix_people_public_id"), "people", ["public_id"], unique=True)
    op.add_column("browsers", sa.Column("seen_at", sa.DateTime(), nullable=True))
    op.add_column(
        "browsers", sa.Column("agent", sa.String(length=60), nullable=False, server_default="")
    )
    op.create_table(
        "assistances",
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_assistances_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_assistances_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "person_id", name=op.f("pk_assistances")),
    )
    op.create_index(op.f("ix_assistances_person_id"), "assistances", ["person_id"], unique=False)
    op.create_table(
        "deeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=16), nullable=True),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("workshop", sa.String(length=16), nullable=True),
        sa.Column("learner", sa.String(length=16), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deeds")),
    )
    for column in ("at", "person", "workshop"):
        op.create_index(op.f(f"ix_deeds_{column}"), "deeds", [column], unique=False)


def _fill() -> None:
    names = ("id", "role", "public_id", "password_hash")
    people = sa.table("people", *(sa.column(name) for name in names))
    connection = op.get_bind()
    # The account of the first start may never have been used: who can sign in goes first.
    first = (people.c.password_hash.is_(None), people.c.id)
    ids = [row.id for row in connection.execute(sa.select(people.c.id).order_by(*first))]
    for number, each in enumerate(ids):
        values = {"public_id": secrets.token_urlsafe(9)}
        if number == 0:
            values["role"] = "owner"
        connection.execute(sa.update(people).where(people.c.id == each).values(values))
