"""Times and numbers as a learner reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def clock_time(moment: datetime) -> str:
    """`09:00`, by the server's clock and time zone."""
    return moment.astimezone().strftime("%H:%M")


def day_time(moment: datetime) -> str:
    """`26 Nov 09:00`, by the server's clock and time zone."""
    return moment.astimezone().strftime("%d %b %H:%M")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if number % 100 in {11, 12, 13} else ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"


def minutes_left(ends_at: datetime, moment: datetime) -> int:
    """Whole minutes until then, never under 0."""
    return max(0, int((ends_at - moment).total_seconds() // 60))


def duration(seconds: float) -> str:
    """`6:50`, or `1:04:12` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
