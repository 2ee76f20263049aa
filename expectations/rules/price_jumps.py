"""Large steps from one close to the next: which are true, and which a vendor's slip.

A true one comes with a surge of volume, or stays. All functions take the rows of all tickers at
once: `codes` numbers the tickers, whose rows lie together and in the order of time, and `level` is
the logarithm of the close in the vendor's terms.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

LARGE_STEP = np.log(3.0)
# Of the 11 closes of 2,299 shares in 2024 that tripled or fell to a third in a day, 8 came with 17
# to 19,000 times the usual volume; the other 3, with at most 5 times, were steps that the vendor
# had left unexplained (a merger, a spin-off, an unlisted share's first trades on an exchange).
VOLUME_SURGE_RATIO = 6.0
VOLUME_LOOKBACK_ROWS = 20
# A spike's next close is back within a quarter of the close before it.
REVERSAL_TOLERANCE = np.log(1.25)
# CSR, 2024-03-06: 56.01, then three closes near 20.25, then 56.41, with half the usual volume.
BRIEF_STEP, BRIEF_ROWS, BRIEF_RETURNED = np.log(2.5), 5, np.log(1.1)


def steps(codes: Codes, values: Floats, rows: int = 1) -> Floats:
    """Each value less the one `rows` before (after, if negative); NaN across tickers."""
    out = np.full(len(values), np.nan)
    n = abs(rows)
    same = codes[n:] == codes[:-n]
    if rows > 0:
        out[n:] = np.where(same, values[n:] - values[:-n], np.nan)
    else:
        out[:-n] = np.where(same, values[:-n] - values[n:], np.nan)
    return out


def _without_surge(codes: Codes, volume: Floats, rows: Codes) -> Flags:
    """Which of the rows traded less than `SURGE` times the median of the rows before."""
    before = rows[:, None] - np.arange(1, VOLUME_LOOKBACK_ROWS + 1)
    known = np.where(before >= 0, before, 0)
    usual = np.where((before >= 0) & (codes[known] == codes[rows][:, None]), volume[known], np.nan)
    median = np.nan_to_num(pd.DataFrame(usual).median(axis=1).to_numpy(float))
    surged = (volume[rows] > 0) & (volume[rows] >= VOLUME_SURGE_RATIO * median)
    return np.asarray(~surged, dtype=bool)


def spikes(codes: Codes, level: Floats, volume: Floats) -> tuple[Flags, Flags]:
    """Rows a large step off both neighbours; and which large steps no volume explains."""
    step, back = steps(codes, level), -steps(codes, level, -1)
    large = np.flatnonzero(np.abs(step) >= LARGE_STEP)
    has_no_volume_surge = np.zeros(len(codes), dtype=bool)
    has_no_volume_surge[large] = _without_surge(codes, volume, large)
    return has_no_volume_surge & (np.abs(step + back) <= REVERSAL_TOLERANCE), has_no_volume_surge


def transient_levels(codes: Codes, level: Floats) -> Flags:
    """First rows of short levels that end where they began."""
    step = steps(codes, level)
    out = np.zeros(len(codes), dtype=bool)
    for i in np.flatnonzero(np.abs(step) >= BRIEF_STEP):
        after = slice(i + 1, i + 1 + BRIEF_ROWS)
        returned = np.abs(level[after] - level[i - 1]) <= BRIEF_RETURNED
        out[i] = bool((returned & (codes[after] == codes[i])).any())
    return out


def unconfirmed_and_unexplained_jumps(
    codes: Codes, level: Floats, surge_free: Flags, off_held: Floats
) -> tuple[Flags, Flags]:
    """Large steps without a surge: those that a next row must confirm, and the confirmed."""
    step = steps(codes, level)
    large = surge_free & (np.abs(step) >= LARGE_STEP)
    newest = np.append(codes[1:] != codes[:-1], True)
    # A first row that is not held while the row after it is has been refused before, when more
    # of its past was in view.
    unseen = np.isnan(off_held)
    first = np.append(True, codes[1:] != codes[:-1])
    refused = np.zeros(len(codes), dtype=bool)
    refused[:-1] = first[:-1] & large[1:] & unseen[:-1] & ~unseen[1:]
    return (large & newest) | refused, large & ~newest
