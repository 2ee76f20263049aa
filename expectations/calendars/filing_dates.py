"""From which session on a filing can be used."""

import pandas as pd

from expectations.calendars.trading import session_closes


def first_session_after(filed: pd.Series) -> pd.Series:
    """The first XNYS session after each filing day.

    A day says nothing of the hour: what was filed after the close carries the same date as what
    came in the morning, and the SEC's times of acceptance are in two time zones.

    Returns:
        Days without a time zone; NaT where the filing day is unknown or the calendar of sessions
        ends before it.
    """
    # in seconds: nanoseconds do not reach far enough for a slip of the year
    sessions = session_closes().index.to_numpy().astype("datetime64[s]")
    days = pd.to_datetime(filed).astype("datetime64[s]")
    positions = sessions.searchsorted(days.to_numpy(), side="right")
    known = (positions < len(sessions)) & days.notna().to_numpy()
    found = pd.Series(pd.NaT, index=filed.index, dtype="datetime64[s]")
    found.loc[known] = sessions[positions[known]]
    return found
