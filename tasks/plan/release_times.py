"""Latest release time of each source."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta

import pandas as pd

from expectations.calendars.trading import NEW_YORK, new_york_date, next_session, session_closes

# New York times, as the schedules in deployments/prefect.yaml. Macro: the 08:30 releases, those of
# 10:00, and the Federal Reserve's daily rates at 16:15.
MACRO_TIMES = (time(8, 35), time(10, 5), time(16, 35))
HOLDINGS_TIME = time(8, 0)
FULL_HISTORY_WEEKDAY, FULL_HISTORY_TIME = 5, time(10, 0)
# the last scheduled retry of a missing bar; after it, the next evening's run requests it
LAST_PRICE_RETRY_TIME = time(21, 30)
# minimum wait before re-requesting a missing bar, so that queued runs do not all request it again
RETRY_COOLDOWN = timedelta(hours=1)


def latest_closed_session(now: datetime) -> date:
    """Return the newest session that has closed."""
    closes = session_closes()
    position = pd.DatetimeIndex(closes).searchsorted(pd.Timestamp(now), side="right") - 1
    found: date = closes.index[int(position)].date()
    return found


def latest_due_holdings_date(now: datetime) -> date:
    """Return the newest session with a due holdings file: on the next session's morning."""
    session = latest_closed_session(now)
    while datetime.combine(next_session(session), HOLDINGS_TIME, NEW_YORK) > now:
        earlier = session_closes().loc[: pd.Timestamp(session)]
        session = earlier.index[-2].date()
    return session


def latest_release_at(dataset: str, now: datetime, full_history: bool = False) -> datetime:
    """Return the latest time, up to now, at which a source published something new.

    Args:
        dataset: The table: daily_price, macro_observation or index_membership.
        now: The logical time.
        full_history: For full histories, which are requested once a week.
    """
    if dataset == "daily_price":
        if full_history:
            return _latest([FULL_HISTORY_TIME], {FULL_HISTORY_WEEKDAY}, now)
        close: datetime = session_closes().loc[pd.Timestamp(latest_closed_session(now))]
        return close
    if dataset == "macro_observation":
        return _latest(MACRO_TIMES, range(5), now)
    if dataset == "index_membership":
        morning = next_session(latest_due_holdings_date(now))
        return datetime.combine(morning, HOLDINGS_TIME, NEW_YORK)
    raise KeyError(f"no release times for {dataset}: add them to tasks/plan/release_times.py")


def is_session(day: date) -> bool:
    """Return whether the exchange is open on a day."""
    return pd.Timestamp(day) in session_closes().index


def _latest(times: Sequence[time], weekdays: Collection[int], now: datetime) -> datetime:
    today = new_york_date(now)
    past = [
        release
        for days in range(8)
        for release_time in times
        if (day := today - timedelta(days)).weekday() in weekdays
        and (release := datetime.combine(day, release_time, NEW_YORK)) <= now
    ]
    return max(past)
