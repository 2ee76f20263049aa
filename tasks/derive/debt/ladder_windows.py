"""Windows of ladder buckets, fiscal year ends, and amounts allocated by days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
# a 52-week year ends up to this many days from the anniversary of another
WEEK = 7


@dataclass(frozen=True, slots=True)
class Window:
    """The first and last day of a bucket, inclusive; without an end: all days after the first."""

    start: date
    end: date | None


# bucket to cents and, where known, dates
Buckets = Mapping[str, tuple[int, Window | None]]
# short-term borrowings beside the ladder: due within twelve months, like its first year
SHORT_TERM = "short_term"


def overlap(one: Window, other: Window) -> bool:
    """Return whether two windows overlap by more than the drift of 52-week years."""
    ends = [window.end for window in (one, other) if window.end is not None]
    return (min(ends, default=date.max) - max(one.start, other.start)).days >= WEEK


def is_anniversary(end: date, month: int, day: int) -> bool:
    """Return whether a day is within a week of the given month and day in any year."""
    years = (end.year - 1, end.year, end.year + 1)
    return any(abs((end - clamp_day(year, month, day)).days) <= WEEK for year in years)


def read_month_day(text: str | None) -> tuple[int, int] | None:
    """Parse MMDD into month and day; None where it is invalid."""
    if text is None or len(text) != 4 or not text.isdigit():
        return None
    month, day = int(text[:2]), int(text[2:])
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def add_months(day: date, months: int) -> date:
    """Return the same day some months later; the last day of a month stays the last."""
    is_last = (day + DAY).month != day.month
    month = day.month - 1 + months
    return clamp_day(day.year + month // 12, month % 12 + 1, 31 if is_last else day.day)


def clamp_day(year: int, month: int, day: int) -> date:
    """Return a day of a month, clamped to the month's last day."""
    last = date(year + month // 12, month % 12 + 1, 1) - DAY
    return min(date(year, month, 1) + (day - 1) * DAY, last)


def allocate_by_year(cents: int, window: Window) -> dict[int, int]:
    """Allocate an amount to calendar years by days of its window; the parts sum to it exactly.

    Returns:
        Calendar year to cents; 9999 for a window without an end.
    """
    if window.end is None:
        return {9999: cents}
    days = (window.end - window.start).days + 1
    parts, allocated = {}, 0
    for year in range(window.start.year, window.end.year + 1):
        days_until = (min(window.end, date(year, 12, 31)) - window.start).days + 1
        until = cents * days_until // days
        parts[year] = until - allocated
        allocated = until
    return parts


def due_within(
    amounts: Mapping[str, int], windows: Mapping[str, Window], since: date, until: date
) -> int | None:
    """Return cents due from a ladder's day to another; None where a bucket in between is missing.

    Args:
        amounts: Bucket to cents; short-term borrowings are due beside the ladder's years.
        windows: Bucket to its dates.
        since: The period end of the ladder.
        until: The last day that counts.
    """
    if any(amount for bucket, amount in amounts.items() if bucket not in windows):
        return None
    due, reached = 0, since
    for bucket in sorted(windows.keys() & amounts.keys(), key=lambda name: windows[name].start):
        window = windows[bucket]
        if window.start > until:
            break
        if window.end is None:
            return None
        if bucket != SHORT_TERM:
            if window.start > reached + DAY:
                return None
            reached = window.end
        days = (window.end - window.start).days + 1
        due += amounts[bucket] * ((min(window.end, until) - window.start).days + 1) // days
    return due if reached >= until else None


def cents(usd: float) -> int:
    """Convert USD to whole cents."""
    return round(usd * 100)
