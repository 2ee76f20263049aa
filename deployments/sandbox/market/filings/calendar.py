"""Fiscal calendars: fiscal quarters, and the windows of a maturity table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

#: Where a fiscal year ends: 31 December, 30 June, or the Saturday nearest to 31 January.
DECEMBER, JUNE, SATURDAY = "december", "june", "52_53_weeks"
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """One fiscal quarter.

    Attributes:
        year: the fiscal year, named by the calendar year in which it ends.
        quarter: 1 to 4; with the fourth the fiscal year ends.
        start, end: its first and last day.
        year_end: last day of its fiscal year.
    """

    year: int
    quarter: int
    start: date
    end: date
    year_end: date

    @property
    def days(self) -> int:
        """Return the length in days: 98 for the last quarter of a 53-week year."""
        return (self.end - self.start).days + 1


def fiscal_periods(kind: str, since: date, until: date) -> list[Period]:
    """Return quarters of fiscal years that begin after `since`, ending by `until`."""
    periods: list[Period] = []
    year = since.year
    while not periods or periods[-1].end <= until:
        ends = _quarter_ends(kind, year)
        start = _quarter_ends(kind, year - 1)[-1] + _DAY
        year += 1
        if start <= since:
            continue
        for quarter, end in enumerate(ends, start=1):
            periods.append(Period(year - 1, quarter, start, end, ends[-1]))
            start = end + _DAY
    return [period for period in periods if period.end <= until]


def _quarter_ends(kind: str, year: int) -> list[date]:
    if kind == DECEMBER:
        return [date(year, 3, 31), date(year, 6, 30), date(year, 9, 30), date(year, 12, 31)]
    if kind == JUNE:
        return [date(year - 1, 9, 30), date(year - 1, 12, 31), date(year, 3, 31), date(year, 6, 30)]
    before = _last_saturday(year - 1)
    return [*(before + weeks * _WEEK for weeks in (13, 26, 39)), _last_saturday(year)]


def _last_saturday(year: int) -> date:
    """Return the Saturday nearest to 31 January."""
    middle = date(year, 1, 31)
    return middle + timedelta(days=(5 - middle.weekday() + 3) % 7 - 3)


def years_after(day: date, years: int) -> date:
    """Return the same day `years` years later; 29 February becomes the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year + years)


def frame_of(start: date | None, end: date) -> str | None:
    """Return the name of a period's SEC frame; None if there is none."""
    if start is None:
        near = end - timedelta(days=45)
        return f"CY{near.year}Q{(near.month + 2) // 3}I"
    middle = start + (end - start) / 2
    days = (end - start).days + 1
    if 335 <= days <= 395:
        return f"CY{middle.year}"
    return f"CY{middle.year}Q{(middle.month + 2) // 3}" if 61 <= days <= 121 else None
