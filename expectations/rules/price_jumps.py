"""Detect large price jumps between closes, and tell real jumps from vendor errors.

A real jump comes with a surge of volume or is permanent. All functions take the rows of all
tickers at once, sorted by ticker and session: `codes` numbers the tickers, and `level` is the
logarithm of the close in the vendor's split adjustment.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

LARGE_JUMP = np.log(3.0)
# Of the 11 closes of 2,299 shares in 2024 that tripled or fell to a third in a day, 8 came with 17
# to 19,000 times the usual volume; the other 3, with at most 5 times, were jumps without an action
# in the vendor's data (a merger, a spin-off, an unlisted share's first trades on an exchange).
VOLUME_SURGE_RATIO = 6.0
VOLUME_LOOKBACK_ROWS = 20
# The close after a spike is within 25% of the close before it.
REVERSAL_TOLERANCE = np.log(1.25)
# CSR, 2024-03-06: 56.01, then three closes near 20.25, then 56.41, with half the usual volume.
TRANSIENT_JUMP, TRANSIENT_ROWS, TRANSIENT_TOLERANCE = np.log(2.5), 5, np.log(1.1)


def differences(codes: Codes, values: Floats, rows: int = 1) -> Floats:
    """Return each value minus the one `rows` before (after, if negative); NaN across tickers."""
    out = np.full(len(values), np.nan)
    n = abs(rows)
    same = codes[n:] == codes[:-n]
    if rows > 0:
        out[n:] = np.where(same, values[n:] - values[:-n], np.nan)
    else:
        out[:-n] = np.where(same, values[:-n] - values[n:], np.nan)
    return out


def _without_surge(codes: Codes, volume: Floats, rows: Codes) -> Flags:
    """Return which rows have a volume below `VOLUME_SURGE_RATIO` times the median before."""
    before = rows[:, None] - np.arange(1, VOLUME_LOOKBACK_ROWS + 1)
    known = np.where(before >= 0, before, 0)
    usual = np.where((before >= 0) & (codes[known] == codes[rows][:, None]), volume[known], np.nan)
    median = np.nan_to_num(pd.DataFrame(usual).median(axis=1).to_numpy(float))
    surged = (volume[rows] > 0) & (volume[rows] >= VOLUME_SURGE_RATIO * median)
    return np.asarray(~surged, dtype=bool)


def spikes(codes: Codes, level: Floats, volume: Floats) -> tuple[Flags, Flags]:
    """Return spikes (rows a large jump off both neighbours) and large jumps without a surge."""
    step, back = differences(codes, level), -differences(codes, level, -1)
    large = np.flatnonzero(np.abs(step) >= LARGE_JUMP)
    has_no_volume_surge = np.zeros(len(codes), dtype=bool)
    has_no_volume_surge[large] = _without_surge(codes, volume, large)
    return has_no_volume_surge & (np.abs(step + back) <= REVERSAL_TOLERANCE), has_no_volume_surge


def transient_levels(codes: Codes, level: Floats) -> Flags:
    """Return first rows of price levels that revert within `TRANSIENT_ROWS` rows."""
    step = differences(codes, level)
    out = np.zeros(len(codes), dtype=bool)
    for i in np.flatnonzero(np.abs(step) >= TRANSIENT_JUMP):
        after = slice(i + 1, i + 1 + TRANSIENT_ROWS)
        returned = np.abs(level[after] - level[i - 1]) <= TRANSIENT_TOLERANCE
        out[i] = bool((returned & (codes[after] == codes[i])).any())
    return out


def unconfirmed_and_unexplained_jumps(
    codes: Codes, level: Floats, has_no_volume_surge: Flags, log_diff_to_stored: Floats
) -> tuple[Flags, Flags]:
    """Return large jumps without a surge: those no next row confirms, and the others."""
    step = differences(codes, level)
    large = has_no_volume_surge & (np.abs(step) >= LARGE_JUMP)
    newest = np.append(codes[1:] != codes[:-1], True)
    # A first row that is not stored, before a stored row, was quarantined by an earlier run whose
    # reply began earlier.
    is_not_stored = np.isnan(log_diff_to_stored)
    first = np.append(True, codes[1:] != codes[:-1])
    was_quarantined = np.zeros(len(codes), dtype=bool)
    was_quarantined[:-1] = first[:-1] & large[1:] & is_not_stored[:-1] & ~is_not_stored[1:]
    return (large & newest) | was_quarantined, large & ~newest
