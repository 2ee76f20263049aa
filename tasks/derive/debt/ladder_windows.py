"""Days on which fiscal years and buckets of a ladder end, and amounts by such days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
# a year of 52 weeks ends up to so many days off the anniversary of another
WEEK = 7


@dataclass(frozen=True, slots=True)
class Window:
    """The dates that a bucket covers, both included; no end: everything after."""

    start: date
    end: date | None


def overlap(one: Window, other: Window) -> bool:
    """Whether two windows share more than what years of 52 weeks are off each other."""
    ends = [window.end for window in (one, other) if window.end is not None]
    return (min(ends, default=date.max) - max(one.start, other.start)).days >= WEEK


def is_anniversary(end: date, month: int, day: int) -> bool:
    """Whether a day is a month's day of some year, to a week."""
    years = (end.year - 1, end.year, end.year + 1)
    return any(abs((end - clamp_day(year, month, day)).days) <= WEEK for year in years)


def read_month_day(text: str | None) -> tuple[int, int] | None:
    """The month and the day of MMDD; None where it is no such thing."""
    if text is None or len(text) != 4 or not text.isdigit():
        return None
    month, day = int(text[:2]), int(text[2:])
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def add_months(day: date, months: int) -> date:
    """The same day so many months on; a month's last day stays one."""
    is_last = (day + DAY).month != day.month
    month = day.month - 1 + months
    return clamp_day(day.year + month // 12, month % 12 + 1, 31 if is_last else day.day)


def clamp_day(year: int, month: int, day: int) -> date:
    """A day of a month, or the month's last one where it has fewer."""
    last = date(year + month // 12, month % 12 + 1, 1) - DAY
    return min(date(year, month, 1) + (day - 1) * DAY, last)


def allocate_by_year(cents: int, window: Window) -> dict[int, int]:
    """An amount over the calendar years of its window, by days; the parts sum to it exactly.

    Returns:
        Calendar year to cents; 9999 for a window without an end.
    """
    if window.end is None:
        return {9999: cents}
    days = (window.end - window.start).days + 1
    parts, given, passed = {}, 0, 0
    for year in range(window.start.year, window.end.year + 1):
        passed = (min(window.end, date(year, 12, 31)) - window.start).days + 1
        until = cents * passed // days
        parts[year] = until - given
        given = until
    return parts


def due_within(
    amounts: Mapping[str, int], windows: Mapping[str, Window], since: date, until: date
) -> int | None:
    """What falls due after a ladder's day until another; None where a bucket of that time misses.

    Args:
        amounts: Bucket to cents.
        windows: Bucket to its dates.
        since: The day that the ladder is counted from.
        until: The last day that counts.
    """
    if any(amount for bucket, amount in amounts.items() if bucket not in windows):
        return None
    dated = sorted(
        ((windows[bucket], cents) for bucket, cents in amounts.items() if bucket in windows),
        key=lambda part: part[0].start,
    )
    due, reached = 0, since
    for window, cents in dated:
        if window.start > until:
            break
        if window.end is None or window.start > reached + DAY:
            return None
        days = (window.end - window.start).days + 1
        counted = (min(window.end, until) - window.start).days + 1
        due += cents * counted // days
        reached = window.end
    return due if reached >= until else None


def cents(usd: float) -> int:
    """An amount in whole cents."""
    return round(usd * 100)
