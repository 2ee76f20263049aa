"""Correct the dates of splits that Yahoo lists some sessions early or late.

Yahoo adjusts its history up to the listed day. If the split took effect on another session, the
closes between the two days leave the level of their neighbours by the split's ratio, and return.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.calendars.trading import next_session
from expectations.rules.unadjusted_splits import MAX_TOLERANCE, MIN_RATIO, SMALL, TOLERANCE

Floats = NDArray[np.float64]

MAX_SESSIONS_OFF = 3
# No company splits twice by one ratio within a week; a vendor that lists it twice adjusts once.
REPEATED_WITHIN = pd.Timedelta(days=7)


def repeated_splits(splits: pd.DataFrame) -> "pd.Series[bool]":
    """Return which splits repeat the ratio of one listed up to a week before.

    Args:
        splits: `ex_date` and `value`, sorted by `ex_date`.
    """
    gap = splits["ex_date"].diff()
    is_repeated = gap.le(REPEATED_WITHIN) & splits["value"].eq(splits["value"].shift())
    return is_repeated.astype(bool)


def corrected_split_dates(bars: pd.DataFrame, splits: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    """Return the session on which each split took effect by the prices.

    Args:
        bars: Bars in the vendor's adjustment, sorted: `session_date`, `open`, `close`.
        splits: `ex_date` and `value`.

    Returns:
        The listed day if the prices agree with it or tell nothing. A split that has not taken
        effect up to the newest bar gets the next session, so the next reply decides on it.
    """
    known = bars[(bars["close"] > 0) & (bars["open"] > 0)]
    close, opened = np.log(known["close"].to_numpy(float)), np.log(known["open"].to_numpy(float))
    step, gap = np.append(np.nan, np.diff(close)), np.append(np.nan, opened[1:] - close[:-1])
    dates = pd.DatetimeIndex(known["session_date"])
    found = splits["ex_date"].copy()
    for label, listed, ratio in zip(splits.index, found, splits["value"], strict=True):
        row = int(dates.searchsorted(listed))
        actual = _effective_row(step, gap, row, float(np.log(ratio)))
        if actual == len(dates):
            found[label] = pd.Timestamp(next_session(dates[-1].date()))
        elif actual != row:
            found[label] = dates[actual]
    return found


def _effective_row(step: Floats, gap: Floats, listed: int, size: float) -> int:
    """Return the row from which a split shows in the prices; one past the last: not yet."""
    count = len(step)
    if abs(size) < MIN_RATIO or not 0 < listed < count:
        return listed
    is_up, is_down = (_matches(step, gap, sign * size) for sign in (1.0, -1.0))
    if not is_up[listed]:
        return listed
    for off in range(1, MAX_SESSIONS_OFF + 1):
        late, early = listed - off, listed + off
        if late > 0 and is_down[late]:
            return late
        if early == count or (early < count and is_down[early]):
            return early
    return listed


def _matches(step: Floats, gap: Floats, size: float) -> NDArray[np.bool_]:
    """Return the rows whose close moved by the size; the open too, if days move as much."""
    near = min(TOLERANCE * abs(size), MAX_TOLERANCE)
    match = np.abs(step - size) <= near
    if abs(size) < SMALL:
        match &= np.abs(gap - size) <= near
    return np.asarray(match, dtype=bool)
