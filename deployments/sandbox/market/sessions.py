"""Exchange sessions and bank days of a simulated tape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.providers.yahoo.exchange import xnys_calendar

Days = NDArray[np.datetime64]

#: Macro history starts this long before the tape's end, so that ratios to a year ago, and the
#: five years that seasonal revisions reach back, exist from the tape's first session.
HISTORY_YEARS = 15


@dataclass(frozen=True)
class Timeline:
    """The days of one tape.

    Attributes:
        history: XNYS sessions from the start of the macro history to the last session.
        first: index in `history` of the first session that has bars.
        following: the session after the last one.
        closed: weekdays between the first and the last session with bars when XNYS was closed.
        bank_holidays: weekdays without Treasury quotes (the exchange's regular holidays, Columbus
            Day and Veterans Day; not its one-off closures, when bonds still traded).
    """

    history: Days
    first: int
    following: np.datetime64
    closed: Days
    bank_holidays: Days

    @property
    def sessions(self) -> Days:
        """Return the sessions with bars, ascending."""
        return self.history[self.first :]


def build_timeline(years: int, end: date) -> Timeline:
    """Build the timeline of the `years` years up to `end`.

    Returns:
        The timeline; its last session is `end`, or the last session before it.
    """
    start = years_before(end, years)
    history_start = years_before(end, max(HISTORY_YEARS, years + 2))
    calendar = xnys_calendar(history_start, end + timedelta(days=20))
    every = calendar.sessions.to_numpy().astype("datetime64[D]")
    last = int(np.searchsorted(every, np.datetime64(end), side="right"))
    history = every[:last]
    first = int(np.searchsorted(history, np.datetime64(start)))
    weekdays = np.arange(history[first], history[-1] + 1)
    weekdays = weekdays[np.is_busday(weekdays)]
    regular = calendar.regular_holidays.holidays(start=str(history_start), end=str(every[-1]))
    return Timeline(
        history=history,
        first=first,
        following=every[last],
        closed=np.setdiff1d(weekdays, history),
        bank_holidays=_bank_holidays(regular.to_numpy().astype("datetime64[D]"), history),
    )


def years_before(day: date, years: int) -> date:
    """Return the same day `years` years earlier; 29 February becomes the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - years)


def month_starts(first: np.datetime64, last: np.datetime64) -> Days:
    """Return the month starts from the month of `first` to that of `last`."""
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    return months.astype("datetime64[D]")


def nth_weekday(months: Days, nth: int, weekday: int) -> Days:
    """Return the `nth` (0 is the first) `weekday` (0 is Monday) of each month."""
    mask = "".join("1" if day == weekday else "0" for day in range(7))
    return np.busday_offset(months, nth, roll="forward", weekmask=mask)


def last_of_month(sessions: Days) -> NDArray[np.int64]:
    """Return the indexes of the last session of each complete month."""
    months = sessions.astype("datetime64[M]")
    return np.flatnonzero(months[1:] != months[:-1])


def after_fridays(sessions: Days, nth: int, months: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the first session indexes after the months' `nth` Friday (0 is first)."""
    starts = month_starts(sessions[0], sessions[-1])
    chosen = starts[np.isin(starts.astype("datetime64[M]").astype(int) % 12 + 1, months)]
    fridays = nth_weekday(chosen, nth, 4)
    index: NDArray[np.int64] = np.searchsorted(sessions, fridays, side="right")
    inside: NDArray[np.bool_] = (index > 0) & (index < len(sessions)) & (fridays >= sessions[0])
    return index[inside]


def _bank_holidays(regular: Days, history: Days) -> Days:
    months = month_starts(history[0], history[-1])
    number = months.astype("datetime64[M]").astype(int) % 12 + 1
    columbus = nth_weekday(months[number == 10], 1, 0)
    veterans = months[number == 11] + 10
    # Kept on the Monday when it falls on a Sunday, not moved when it falls on a Saturday.
    weekday = (veterans.astype(int) + 3) % 7
    veterans = np.where(weekday == 6, veterans + 1, veterans)
    every = np.unique(np.concatenate([regular, columbus, veterans]))
    return every[np.is_busday(every)]
