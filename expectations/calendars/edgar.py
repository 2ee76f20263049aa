"""On which days EDGAR takes filings, and when a day's index is there."""

from datetime import date, datetime, timedelta
from functools import lru_cache

import pandas as pd

from expectations.calendars.trading import NEW_YORK, session_closes

# EDGAR takes filings until 22:00 and writes the index of the day then.
INDEX_HOUR = 22


@lru_cache(maxsize=1)
def _holidays() -> frozenset[date]:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    days = USFederalHolidayCalendar().holidays("1993-01-01", "2060-12-31")
    return frozenset(day.date() for day in days)


def is_weekday(day: date) -> bool:
    """Whether EDGAR may take filings on a day at all."""
    return day.weekday() < 5


def may_be_closed(day: date) -> bool:
    """Whether EDGAR may have been closed on a day: a weekend, a federal holiday, or no session.

    It follows the federal government, not the exchange: it works on Good Friday, and rests when a
    president is mourned, as the exchange does. What it did is the index's to say.
    """
    is_session = pd.Timestamp(day) in session_closes().index
    return not is_weekday(day) or day in _holidays() or not is_session


def is_definitely_closed(day: date) -> bool:
    """Whether no index of a day need be asked for."""
    is_session = pd.Timestamp(day) in session_closes().index
    return not is_weekday(day) or (day in _holidays() and not is_session)


def last_index_day(now: datetime) -> date:
    """The newest day whose index may be there."""
    local = now.astimezone(NEW_YORK)
    return local.date() if local.hour >= INDEX_HOUR else local.date() - timedelta(days=1)


def index_days(first: date, now: datetime) -> list[date]:
    """The days from a first one on whose index may be there, oldest first."""
    count = (last_index_day(now) - first).days + 1
    days = (first + timedelta(days=number) for number in range(count))
    return [day for day in days if not is_definitely_closed(day)]
