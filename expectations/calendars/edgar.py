"""Business days of EDGAR, its daily index, and the sessions after filing dates."""

from datetime import date, datetime, timedelta
from functools import lru_cache

import pandas as pd

from expectations.calendars.trading import NEW_YORK, session_closes

# Hour in New York: EDGAR accepts filings until 22:00 and then publishes the index of the day.
INDEX_HOUR = 22


@lru_cache(maxsize=1)
def _holidays() -> frozenset[date]:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    days = USFederalHolidayCalendar().holidays("1993-01-01", "2060-12-31")
    return frozenset(day.date() for day in days)


def is_weekday(day: date) -> bool:
    """Return whether a day is a weekday, on which EDGAR may accept filings."""
    return day.weekday() < 5


def may_be_closed(day: date) -> bool:
    """Return whether EDGAR may be closed on a day: weekend, federal holiday or no session.

    EDGAR follows the federal government, not the exchange: it is open on Good Friday, and closed on
    a national day of mourning, as the exchange is. Only the daily index shows which holds.
    """
    is_session = pd.Timestamp(day) in session_closes().index
    return not is_weekday(day) or day in _holidays() or not is_session


def is_definitely_closed(day: date) -> bool:
    """Return whether EDGAR is closed on a day for certain, so that its index is not requested."""
    is_session = pd.Timestamp(day) in session_closes().index
    return not is_weekday(day) or (day in _holidays() and not is_session)


def last_index_day(now: datetime) -> date:
    """Return the newest day whose index may be published."""
    local = now.astimezone(NEW_YORK)
    return local.date() if local.hour >= INDEX_HOUR else local.date() - timedelta(days=1)


def index_days(first: date, now: datetime) -> list[date]:
    """Return the days since `first` whose index may be published, oldest first."""
    count = (last_index_day(now) - first).days + 1
    days = (first + timedelta(days=number) for number in range(count))
    return [day for day in days if not is_definitely_closed(day)]


def first_session_after(filed: pd.Series) -> pd.Series:
    """Return the first XNYS session after each filing date.

    The date alone counts: filings after the close have the same date as filings of the morning,
    and the SEC's acceptance times are in two time zones.

    Returns:
        Dates without a time zone; NaT if the filing date is missing or past the end of the
        trading calendar.
    """
    # in seconds, because nanoseconds cannot store years before 1678 or after 2262 (filers' typos)
    sessions = session_closes().index.to_numpy().astype("datetime64[s]")
    days = pd.to_datetime(filed).astype("datetime64[s]")
    positions = sessions.searchsorted(days.to_numpy(), side="right")
    known = (positions < len(sessions)) & days.notna().to_numpy()
    following = pd.Series(pd.NaT, index=filed.index, dtype="datetime64[s]")
    following.loc[known] = sessions[positions[known]]
    return following
