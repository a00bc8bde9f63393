"""What every table stands on: times that know they are UTC, and random public names."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NewType

from sqlalchemy import DateTime, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

WorkshopId = NewType("WorkshopId", int)
LearnerId = NewType("LearnerId", int)
PersonId = NewType("PersonId", int)

NUMBER_MOST = 2**63 - 1
"""The greatest that SQLite compares with."""


class Base(DeclarativeBase):
    """Constraints are named by rule, so that a migration can drop what it didn't create."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {WorkshopId: Integer(), LearnerId: Integer(), PersonId: Integer()}  # noqa: RUF012 -- SQLAlchemy's own way to say it


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC.

    SQLite keeps no time zone: without this, what comes back can't be compared.
    """

    impl = DateTime
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def public_name() -> str:
    """What an address shows instead of a row's number.

    12 characters that nobody guesses (72 bits).
    """
    return secrets.token_urlsafe(9)
