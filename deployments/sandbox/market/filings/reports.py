"""Schedule of the reports that a company files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from deployments.sandbox.market.filings.calendar import Period
from deployments.sandbox.market.filings.debtors import Debtor
from deployments.sandbox.market.sessions import Days

#: Quarters of accounts before the first report: a yearly one compares with two years before.
LEAD_IN_QUARTERS = 8

_AMENDED_AFTER = timedelta(days=25)
_LATE_DAYS, _NOTICE_DAYS = 150, 76


@dataclass(frozen=True)
class Report:
    """One filing.

    Attributes:
        at: index of the quarter that it ends with, among the company's quarters.
        form: 10-K, 10-K/A, 10-Q or "NT 10-K", the notice that a yearly one will be late.
        filed: the day.
        accession_number: its number.
        is_wrong: whether an amendment will correct it.
    """

    at: int
    form: str
    filed: date
    accession_number: str
    is_wrong: bool


def schedule_reports(
    debtor: Debtor,
    periods: list[Period],
    newest: int,
    first: date,
    last: date,
    holidays: Days,
    rng: np.random.Generator,
) -> list[Report]:
    """Return the reports of a company, by filing day.

    Args:
        debtor: the company.
        periods: its quarters; those of the forerun are only compared with.
        newest: the newest fiscal year that it has reported: the one with an event.
        first: day of its first possible filing.
        last: day of its last one.
        holidays: days without filings, besides weekends.
        rng: source of the delays.

    Returns:
        The reports filed from `first` to `last`.
    """
    usual = int(rng.integers(54, 72)), int(rng.integers(32, 42))
    reports: list[tuple[int, str, date, bool]] = []
    before = date.min
    for at, period in enumerate(periods):
        delay = usual[period.quarter < 4] + int(rng.integers(-3, 4))
        if at < LEAD_IN_QUARTERS:
            continue
        is_told = period.year == newest and period.quarter == 4
        if is_told and debtor.event == "late":
            notice = _open_day(period.end + timedelta(days=_NOTICE_DAYS), holidays)
            reports.append((at, "NT 10-K", notice, False))
            delay = _LATE_DAYS
        filed = _open_day(period.end + timedelta(days=delay), holidays)
        filed = _open_day(max(filed, before + timedelta(days=7)), holidays)
        is_wrong = is_told and debtor.event == "amended"
        reports.append((at, "10-K" if period.quarter == 4 else "10-Q", filed, is_wrong))
        if is_wrong:
            filed = _open_day(filed + _AMENDED_AFTER, holidays)
            reports.append((at, "10-K/A", filed, False))
        before = filed
    kept = sorted((row for row in reports if first <= row[2] <= last), key=lambda row: row[2])
    numbers: dict[int, int] = {}
    numbered = []
    for at, form, filed, is_wrong in kept:
        numbers[filed.year] = numbers.get(filed.year, 0) + 1
        accession = f"{debtor.cik:010d}-{filed:%y}-{numbers[filed.year]:06d}"
        numbered.append(Report(at, form, filed, accession, is_wrong))
    return numbered


def _open_day(day: date, holidays: Days) -> date:
    moved = np.busday_offset(np.datetime64(day), 0, roll="forward", holidays=holidays)
    opened: date = moved.astype(object)
    return opened
