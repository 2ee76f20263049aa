"""When the New York Stock Exchange is open, and what day it is there."""

import warnings
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import pandas as pd

# The calendar's own default reaches back 20 years only. Yahoo's oldest daily bars (^GSPC) are of
# 1927-12-30; nothing that the warehouse holds is older.
CALENDAR_START = "1926-01-01"
NEW_YORK = ZoneInfo("America/New_York")


@lru_cache(maxsize=1)
def session_closes() -> pd.Series:
    """The instants at which sessions closed or will close, half days included.

    Returns:
        UTC timestamps, indexed by session date (midnight, no time zone).
    """
    # Imported here: the calendars take most of a second, and few readers of contracts need them.
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4 uses a form that pandas 4 will change.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        calendar = exchange_calendars.get_calendar("XNYS", start=CALENDAR_START)
    closes: pd.Series = calendar.closes
    return closes


def session_close_times(dates: pd.Series) -> pd.Series:
    """When the session of each date closed; NaT where the date was not a session."""
    found = session_closes().reindex(pd.DatetimeIndex(dates))
    return pd.Series(found.array, index=dates.index)


def new_york_date(now: datetime) -> date:
    """The day in New York at an instant; a naive instant is refused, its zone is a guess."""
    if now.tzinfo is None:
        raise ValueError(f"now must carry a time zone, got the naive {now!r}")
    return now.astimezone(NEW_YORK).date()


def session_dates(start: date, end: date) -> list[date]:
    """Return the sessions from a first day to a last one, in order."""
    sessions = session_closes().loc[pd.Timestamp(start) : pd.Timestamp(end)].index
    return [session.date() for session in sessions]


def sessions_between(start_exclusive: date, end: date) -> int:
    """Sessions later than `after`, up to and including `until`; 0 when there are none."""
    sessions = session_closes().index
    first, last = (
        sessions.searchsorted(pd.Timestamp(d), side="right") for d in (start_exclusive, end)
    )
    return max(0, int(last - first))


def next_session(after: date) -> date:
    """The first session later than a day.

    Raises:
        ValueError: the calendar ends before it, a year from now.
    """
    sessions = session_closes().index
    position = int(sessions.searchsorted(pd.Timestamp(after), side="right"))
    if position == len(sessions):
        raise ValueError(f"the calendar of sessions ends {sessions[-1]:%Y-%m-%d}, before {after}")
    found: date = sessions[position].date()
    return found
