"""Regression of returns on changes of yields, over the newest pairs known at each session."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tasks.derive.macro.vintages import Vintage
from tasks.derive.rotation.rolling import Floats


@dataclass(frozen=True)
class YieldVersion:
    """A yield series as known from one session until the next correction.

    Attributes:
        known_from: The first session of the version.
        known_until: The first session of the next version.
        values: Observation date to value, percent.
        known: Observation date to the session from which the value is known.
    """

    known_from: date
    known_until: date
    values: dict[date, float]
    known: dict[date, date]


def yield_versions(vintages: Sequence[Vintage]) -> Iterator[YieldVersion]:
    """Yield the versions of a series: one, and one more from each late or corrected value on.

    Args:
        vintages: In the order in which they became known.
    """
    values, known = dict[date, float](), dict[date, date]()
    known_from, newest = date.min, date.min
    for vintage in vintages:
        day, session = vintage.observation_date, vintage.known_session
        if day <= newest:
            if session > known_from:
                yield YieldVersion(known_from, session, dict(values), dict(known))
            known_from = session
        newest = max(newest, day)
        values.pop(day, None)
        if vintage.value is not None:
            values[day], known[day] = vintage.value, session
    yield YieldVersion(known_from, date.max, values, known)


@dataclass(frozen=True)
class ReturnPairs:
    """Returns and the changes of a yield between the same two sessions.

    Attributes:
        ends: The later session of each pair.
        known: The session from which each pair is known; never decreasing.
        returns_pct: Percent.
        changes: Percentage points.
    """

    ends: list[date]
    known: list[date]
    returns_pct: Floats
    changes: Floats


def pair_returns(days: Sequence[date], growth: Floats, version: YieldVersion) -> ReturnPairs:
    """Return the pairs of a subject and a yield.

    Both are taken between consecutive sessions that have a yield: over a bank holiday the change
    and the return span two sessions.

    Args:
        days: Sessions of the subject, in order.
        growth: Its growth from its previous session to each; NaN where unknown.
        version: Of the yield.
    """
    places = [place for place, day in enumerate(days) if day in version.values]
    if len(places) < 2:
        return ReturnPairs([], [], np.array([]), np.array([]))
    # growth from the session after one place to the next place
    starts = np.array(places[:-1]) + 1
    compounded = np.multiply.reduceat(growth[: places[-1] + 1], starts)
    values = np.array([version.values[days[place]] for place in places])
    known = np.maximum.accumulate(
        np.array([version.known[days[place]] for place in places], dtype="datetime64[D]")
    )[1:]
    is_known = ~np.isnan(compounded)
    ends = [days[place] for place, keep in zip(places[1:], is_known, strict=True) if keep]
    return ReturnPairs(
        ends,
        known[is_known].tolist(),
        100 * (compounded - 1)[is_known],
        (values[1:] - values[:-1])[is_known],
    )


def count_known(pairs: ReturnPairs, sessions: Sequence[date]) -> NDArray[np.int64]:
    """Return how many pairs are known at each session."""
    return np.array([bisect_right(pairs.known, day) for day in sessions], dtype=np.int64)


def regress_windows(
    y: Floats, x: Floats, counts: NDArray[np.int64], n: int
) -> tuple[Floats, Floats]:
    """Return slope and standard error of y on x, over the n pairs before each count.

    Each window is summed by itself, so a row has the same bits in any company.

    Args:
        y: Returns.
        x: Changes.
        counts: The end of each window, exclusive.
        n: Pairs per window; NaN where there are fewer, or the changes are all equal.
    """
    slope, error = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    is_full = counts >= n
    if not is_full.any():
        return slope, error
    index = counts[is_full][:, None] - n + np.arange(n)
    y_window, x_window = y[index], x[index]
    y_off = y_window - y_window.mean(axis=1, keepdims=True)
    x_off = x_window - x_window.mean(axis=1, keepdims=True)
    x_square = (x_off * x_off).sum(axis=1)
    has_variation = x_window.max(axis=1) > x_window.min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = (x_off * y_off).sum(axis=1) / x_square
        residual = y_off - beta[:, None] * x_off
        deviation = np.sqrt((residual * residual).sum(axis=1) / (n - 2) / x_square)
    slope[is_full] = np.where(has_variation, beta, np.nan)
    error[is_full] = np.where(has_variation, deviation, np.nan)
    return slope, error
