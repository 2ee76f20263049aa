"""Rows that the vendor forgot to restate for a split which its own reply lists.

The extraction undoes the split on every row before the ex-date. On a row that the vendor had not
restated, that leaves the price off by the split's ratio; so does a vendor that lists a split
before it has restated anything.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

# The step into and out of such a block is the ratio and that day's own move: a fifth of the ratio
# in logarithms, which is 1.74 to 2.30 for two for one (CNE, 2023-05-09: 0.478 for 0.471), at most
# a factor of three (ALPHA, 2023-05-08: prices rounded to 0.0001 at one for 10,000).
TOLERANCE, TOLERANCE_MOST = 0.2, np.log(3.0)
# Shares do move by smaller ratios in a day; a block off by less is not told from the market.
SMALLEST = np.log(1.4)
# Below three, the open must show the step as well, for a true move builds up during the session,
SMALL = np.log(3.0)
# and a block must end within a month: a true doubling may be undone after that.
SMALL_ROWS = 21


def flag_unadjusted_rows(
    codes: NDArray[np.intp], level: Floats, opened: Floats, undone: Floats, held: Flags
) -> Flags:
    """Mark the rows that are off by the ratio of a split that follows them.

    Args:
        codes: A number per ticker, rows of one ticker together and in the order of time.
        level: Logarithm of the close in the vendor's terms.
        opened: Logarithm of the open in the vendor's terms.
        undone: What the extraction multiplied the vendor's price by.
        held: Whether the warehouse holds the session already.

    Returns:
        True per row to set aside.
    """
    out = np.zeros(len(codes), dtype=bool)
    step = np.append(np.nan, np.diff(level))
    gap = np.append(np.nan, opened[1:] - level[:-1])
    for first, ex_row, last, ratio in _splits(codes, undone):
        size = np.log(ratio)
        if abs(size) < SMALLEST:
            continue
        is_small = abs(size) < SMALL
        near = min(TOLERANCE * abs(size), TOLERANCE_MOST)
        part = slice(first + 1, last)
        signs = np.zeros(last - first)
        for sign in (1.0, -1.0):
            match = np.abs(step[part] - sign * size) <= near
            if is_small:
                match &= np.abs(gap[part] - sign * size) <= near
            signs[1:][match] = sign
        for start, stop in _blocks(signs, ex_row - first, is_small, held[first:last]):
            out[first + start : first + stop] = True
    return out


def _splits(codes: NDArray[np.intp], undone: Floats) -> Iterator[tuple[int, int, int, float]]:
    """Yield each split: first row of its ticker, ex-date's row, one past the rows to look at.

    A split after the newest row has its ex-date's row one past the ticker's last. The ratio of
    all splits from one on is tried as well: a row may have missed several.
    """
    n = len(codes)
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    ends = np.append(starts[1:], n)
    for first, end in zip(starts, ends, strict=True):
        factors = undone[first:end]
        after = np.append(factors[1:], 1.0)
        for row in np.flatnonzero(~np.isclose(factors, after, rtol=1e-6)):
            ex_row = int(first + row + 1)
            last = min(ex_row + 1, int(end))
            for ratio in {float(factors[row] / after[row]), float(factors[row])}:
                yield int(first), ex_row, last, ratio


def _blocks(signs: Floats, ex_row: int, is_small: bool, held: Flags) -> Iterator[tuple[int, int]]:
    """Yield the blocks (start, stop) that lie one split too high, by the steps around them."""
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
            # Down on the ex-date, without an up before: nothing before it has been restated.
            yield 0, hit
        elif entered is None and not has_left and (not is_small or (not held[0] and held[hit])):
            # Down earlier: the window begins inside the block, which a large ratio proves, and
            # so do rows that were refused before while later ones were taken.
            yield 0, hit
        entered, has_left = None, True
    if entered is None or ex_row < rows:
        return
    # The split is newer than the newest row, and the block reaches that row.
    if not is_small or rows - entered <= SMALL_ROWS:
        yield entered, rows
