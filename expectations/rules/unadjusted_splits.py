"""Detect rows that the vendor did not adjust for a split listed in the same reply.

The extraction undoes the split on every row before the ex-date. A row without the vendor's
adjustment is then off by the split's ratio. The same holds for all rows if the vendor lists a
split before adjusting any row.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

# The jump into and out of an unadjusted block is the ratio and that day's own move. Tolerance: 20%
# of the log ratio, 1.74 to 2.30 for a 2:1 split (CNE, 2023-05-09: 0.478 for 0.471), at most a
# factor of three (ALPHA, 2023-05-08: prices rounded to 0.0001 at 1:10,000).
TOLERANCE, MAX_TOLERANCE = 0.2, np.log(3.0)
# Real daily moves reach smaller ratios, so splits below 1.4 cannot be detected.
MIN_RATIO = np.log(1.4)
# Below a ratio of 3 the open must jump as well, because real moves build up during the session,
SMALL = np.log(3.0)
# and the block must end within a month, because a real doubling may revert later.
SMALL_ROWS = 21


def flag_unadjusted_rows(
    codes: NDArray[np.intp],
    level: Floats,
    open_level: Floats,
    removed_factor: Floats,
    is_stored: Flags,
) -> Flags:
    """Flag rows that are off by the ratio of a later split.

    Args:
        codes: A number per ticker; rows are sorted by ticker and session.
        level: Logarithm of the close in the vendor's split adjustment.
        open_level: Logarithm of the open, likewise.
        removed_factor: The factor by which the extraction multiplied the vendor's price.
        is_stored: Whether the warehouse has the session already.

    Returns:
        True for rows to quarantine.
    """
    out = np.zeros(len(codes), dtype=bool)
    step = np.append(np.nan, np.diff(level))
    gap = np.append(np.nan, open_level[1:] - level[:-1])
    for first, ex_row, last, ratio in _splits(codes, removed_factor):
        size = np.log(ratio)
        if abs(size) < MIN_RATIO:
            continue
        is_small = abs(size) < SMALL
        near = min(TOLERANCE * abs(size), MAX_TOLERANCE)
        part = slice(first + 1, last)
        signs = np.zeros(last - first)
        for sign in (1.0, -1.0):
            match = np.abs(step[part] - sign * size) <= near
            if is_small:
                match &= np.abs(gap[part] - sign * size) <= near
            signs[1:][match] = sign
        for start, stop in _blocks(signs, ex_row - first, is_small, is_stored[first:last]):
            out[first + start : first + stop] = True
    return out


def _splits(
    codes: NDArray[np.intp], removed_factor: Floats
) -> Iterator[tuple[int, int, int, float]]:
    """Yield each split: its ticker's first row, its ex-date's row, the end of the rows, the ratio.

    For a split after the newest row, the ex-date's row is one past the ticker's last. The combined
    ratio of all splits since is yielded as well, because a row may lack several adjustments.
    """
    n = len(codes)
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    ends = np.append(starts[1:], n)
    for first, end in zip(starts, ends, strict=True):
        factors = removed_factor[first:end]
        after = np.append(factors[1:], 1.0)
        for row in np.flatnonzero(~np.isclose(factors, after, rtol=1e-6)):
            ex_row = int(first + row + 1)
            last = min(ex_row + 1, int(end))
            for ratio in {float(factors[row] / after[row]), float(factors[row])}:
                yield int(first), ex_row, last, ratio


def _blocks(
    signs: Floats, ex_row: int, is_small: bool, is_stored: Flags
) -> Iterator[tuple[int, int]]:
    """Yield blocks (start, stop) that are one split too high, from the jumps around them."""
    rows = len(signs)
    entered: int | None = None
    has_left = False
    for hit in np.flatnonzero(signs).tolist():
        if signs[hit] > 0:
            entered = hit
            continue
        if entered is not None and (not is_small or hit == ex_row or hit - entered <= SMALL_ROWS):
            yield entered, hit
        elif entered is None and hit == ex_row:
            # Down on the ex-date without an up before: no row before the ex-date is adjusted.
            yield 0, hit
        elif (
            entered is None
            and not has_left
            and (not is_small or (not is_stored[0] and is_stored[hit]))
        ):
            # Down earlier: the reply begins inside the block. A large ratio proves it, and so do
            # rows that were quarantined before while later rows were stored.
            yield 0, hit
        entered, has_left = None, True
    if entered is None or ex_row < rows:
        return
    # The split is after the newest row, and the block reaches that row.
    if not is_small or rows - entered <= SMALL_ROWS:
        yield entered, rows
