"""Correct the dates of splits that Yahoo lists some sessions early or late.

Yahoo adjusts its history up to the listed day. If the split took effect on another session, the
closes between the two days leave the level of their neighbours by the split's ratio, and return.
"""

import numpy as np
from numpy.typing import NDArray

from expectations.calendars.trading import next_session
from expectations.rules.unadjusted_splits import MAX_TOLERANCE, MIN_RATIO, SMALL, TOLERANCE

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

MAX_SESSIONS_OFF = 3
# No company splits twice by one ratio within a week; a vendor that lists it twice adjusts once.
REPEATED_WITHIN = np.timedelta64(7, "D")


def repeated_splits(split_days: Days, ratios: Floats) -> NDArray[np.bool_]:
    """Return which splits repeat the ratio of one listed up to a week before.

    Args:
        split_days: The splits' days, sorted.
        ratios: Their values.
    """
    is_repeated = np.zeros(len(ratios), dtype=bool)
    is_repeated[1:] = (np.diff(split_days) <= REPEATED_WITHIN) & (ratios[1:] == ratios[:-1])
    return is_repeated


def corrected_split_dates(
    days: Days, opens: Floats, closes: Floats, split_days: Days, ratios: Floats
) -> Days:
    """Return the session on which each split took effect by the prices.

    Args:
        days: Days of the bars, sorted.
        opens: Opens in the vendor's adjustment.
        closes: Closes, likewise.
        split_days: The days of the splits.
        ratios: Their values.

    Returns:
        The listed day if the prices agree with it or tell nothing. A split that has not taken
        effect up to the newest bar gets the next session, so the next reply decides on it.
    """
    found = split_days.copy()
    is_known = (closes > 0) & (opens > 0)
    if not len(found) or not is_known.any():
        return found
    dates, close, opened = days[is_known], np.log(closes[is_known]), np.log(opens[is_known])
    step, gap = np.append(np.nan, np.diff(close)), np.append(np.nan, opened[1:] - close[:-1])
    for number, (listed, ratio) in enumerate(zip(split_days, ratios, strict=True)):
        row = int(dates.searchsorted(listed))
        actual = _effective_row(step, gap, row, float(np.log(ratio)))
        if actual == len(dates):
            found[number] = np.datetime64(next_session(dates[-1].item().date()), "s")
        elif actual != row:
            found[number] = dates[actual]
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
