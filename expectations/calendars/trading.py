"""Trading sessions of the New York Stock Exchange, and dates in New York."""

import warnings
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import pandas as pd

# The calendar library starts 20 years ago by default. Yahoo's oldest daily bars (^GSPC) are of
# 1927-12-30; the warehouse stores nothing older.
CALENDAR_START = "1926-01-01"
NEW_YORK = ZoneInfo("America/New_York")


@lru_cache(maxsize=1)
def session_closes() -> pd.Series:
    """Return the closing times of past and future sessions, half days included.

    Returns:
        UTC timestamps, indexed by session date (midnight, no time zone).
    """
    # Imported here: the import takes almost a second, and few users of contracts need it.
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4 uses an API that pandas 4 will change
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        calendar = exchange_calendars.get_calendar("XNYS", start=CALENDAR_START)
    closes: pd.Series = calendar.closes
    return closes


def session_close_times(dates: pd.Series) -> pd.Series:
    """Return the closing time of each date's session; NaT for dates without a session."""
    closes = session_closes().reindex(pd.DatetimeIndex(dates))
    return pd.Series(closes.array, index=dates.index)


def new_york_date(now: datetime) -> date:
    """Return the date in New York at a time, which must have a time zone."""
    if now.tzinfo is None:
        raise ValueError(f"now must have a time zone, got {now!r}")
    return now.astimezone(NEW_YORK).date()


def session_dates(start: date, end: date) -> list[date]:
    """Return the sessions from a first day to a last one, in order."""
    sessions = session_closes().loc[pd.Timestamp(start) : pd.Timestamp(end)].index
    return [session.date() for session in sessions]


def sessions_between(start_exclusive: date, end: date) -> int:
    """Count the sessions after `start_exclusive`, up to and including `end`."""
    sessions = session_closes().index
    first, last = (
        sessions.searchsorted(pd.Timestamp(d), side="right") for d in (start_exclusive, end)
    )
    return max(0, int(last - first))


def next_session(after: date) -> date:
    """Return the first session after a day.

    Raises:
        ValueError: the day is past the end of the calendar, a year from now.
    """
    sessions = session_closes().index
    position = int(sessions.searchsorted(pd.Timestamp(after), side="right"))
    if position == len(sessions):
        raise ValueError(
            f"no session after {after}: the trading calendar ends {sessions[-1]:%Y-%m-%d}"
        )
    session: date = sessions[position].date()
    return session
