"""The Federal Reserve's target rate and the overnight rates based on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.market.sessions import Days

#: First day of the target range; before it the target was one number.
RANGE_SINCE = np.datetime64("2008-12-16")
SOFR_SINCE = np.datetime64("2018-04-03")

#: Day each target took effect, and the target (from 2008-12-16 on the upper limit), percent.
_TARGET = (
    ("1990-01-01", 5.50), ("2001-12-12", 1.75), ("2003-06-26", 1.00), ("2004-09-22", 1.75),
    ("2005-06-30", 3.25), ("2005-12-14", 4.25), ("2006-06-30", 5.25), ("2007-09-19", 4.75),
    ("2007-12-12", 4.25), ("2008-01-31", 3.00), ("2008-03-19", 2.25), ("2008-05-01", 2.00),
    ("2008-10-09", 1.50), ("2008-10-30", 1.00), ("2008-12-16", 0.25), ("2015-12-17", 0.50),
    ("2016-12-15", 0.75), ("2017-03-16", 1.00), ("2017-06-15", 1.25), ("2017-12-14", 1.50),
    ("2018-03-22", 1.75), ("2018-06-14", 2.00), ("2018-09-27", 2.25), ("2018-12-20", 2.50),
    ("2019-08-01", 2.25), ("2019-09-19", 2.00), ("2019-10-31", 1.75), ("2020-03-04", 1.25),
    ("2020-03-16", 0.25), ("2022-03-17", 0.50), ("2022-05-05", 1.00), ("2022-06-16", 1.75),
    ("2022-07-28", 2.50), ("2022-09-22", 3.25), ("2022-11-03", 4.00), ("2022-12-15", 4.50),
    ("2023-02-02", 4.75), ("2023-03-23", 5.00), ("2023-05-04", 5.25), ("2023-07-27", 5.50),
    ("2024-09-19", 5.00), ("2024-11-08", 4.75), ("2024-12-19", 4.50), ("2025-09-18", 4.25),
    ("2025-10-30", 4.00), ("2025-12-11", 3.75),
)  # fmt: skip


def target_limits(days: Days) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the target's upper and lower limit by day, percent; equal without a range."""
    starts = np.array([day for day, _ in _TARGET], dtype="datetime64[D]")
    levels = np.array([level for _, level in _TARGET])
    upper = levels[np.searchsorted(starts, days, side="right") - 1]
    return upper, np.where(days >= RANGE_SINCE, upper - 0.25, upper)


def effective_rate(
    days: Days, is_bank_day: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the effective federal funds rate by day, percent, forward-filled over days off."""
    upper, lower = target_limits(days)
    drawn = np.round(lower + 0.09 + 0.01 * np.clip(rng.standard_normal(len(days)), -3, 3), 2)
    drawn = np.where(upper > lower, drawn, np.round(drawn - 0.09, 2))
    last = np.maximum.accumulate(np.where(is_bank_day, np.arange(len(days)), 0))
    return drawn[last]


def expected_rate(days: Days, ahead: int) -> NDArray[np.float64]:
    """Return the mean target midpoint over the next `ahead` days, percent.

    Short yields anticipate the meetings: this is how they come to lead the target.
    """
    upper, lower = target_limits(np.arange(days[0], days[-1] + ahead + 1))
    total = np.concatenate([[0.0], np.cumsum((upper + lower) / 2)])
    mean: NDArray[np.float64] = (total[ahead:] - total[:-ahead])[: len(days)] / ahead
    return mean
