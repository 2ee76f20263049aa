"""Adjust one ticker's bars for the splits and dividends known by a day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.sandbox.tape.records import Actions, Bars, DatedValues, Defect, session_open


@dataclass(frozen=True)
class AdjustedBars:
    """The vendor's adjusted rows of one ticker, in the order of their opens."""

    dates: NDArray[np.datetime64]
    opens_at: NDArray[np.int64]
    prices: NDArray[np.float64]  # open, high, low, close; NaN is a null
    adjusted: NDArray[np.float64]  # the close, adjusted for dividends too
    volume: NDArray[np.float64]  # whole numbers; NaN is a null
    is_defect: NDArray[np.bool_]
    is_extra: NDArray[np.bool_]  # visible at any clock time


@dataclass(frozen=True)
class AdjustmentFactors:
    """Cumulative factors that the vendor has applied by a day."""

    splits: DatedValues
    distributions: DatedValues

    def split_factor(self, dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return current shares per share of each day."""
        return _cumulative_factor_after(self.splits, dates)

    def distribution_factor(self, dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Return the ratio of the vendor's adjusted close to each day's close."""
        return _cumulative_factor_after(self.distributions, dates)


def restatement(bars: Bars, actions: Actions, today: np.datetime64) -> AdjustmentFactors:
    """Compute the factors that the vendor has applied by a day.

    Args:
        bars: The ticker's bars as traded.
        actions: Its splits, dividends and gains, those to come included.
        today: The day in New York; actions with a later ex-date are unknown.

    Returns:
        The splits, and 1 - amount / previous close of the dividends and gains.
    """
    splits = actions.splits.filter(actions.splits.dates <= today)
    paid = DatedValues.merge((actions.dividends, actions.capital_gains))
    before = np.searchsorted(bars.dates, paid.dates, side="left") - 1
    known = (paid.dates <= today) & (before >= 0)
    paid, before = paid.filter(known), before[known]
    previous = bars.prices[3, before] / _cumulative_factor_after(splits, bars.dates[before])
    kept = 1.0 - paid.values / _cumulative_factor_after(splits, paid.dates) / previous
    return AdjustmentFactors(splits, DatedValues(paid.dates, kept))


def adjust(bars: Bars, factors: AdjustmentFactors, defects: list[Defect]) -> AdjustedBars:
    """Apply the factors to the bars and merge the visible defects.

    Args:
        bars: The ticker's bars as traded.
        factors: What the vendor has applied.
        defects: The bad rows that the vendor shows now.

    Returns:
        The rows, those after the clock included.
    """
    split = factors.split_factor(bars.dates)
    prices = bars.prices / split
    none = np.zeros(len(bars.dates), dtype=bool)
    whole = AdjustedBars(
        dates=bars.dates,
        opens_at=bars.opens_at,
        prices=prices,
        adjusted=prices[3] * factors.distribution_factor(bars.dates),
        volume=np.rint(bars.volume * split),
        is_defect=none,
        is_extra=none,
    )
    return _with_defects(whole, factors, defects) if defects else whole


def _cumulative_factor_after(
    effects: DatedValues, dates: NDArray[np.datetime64]
) -> NDArray[np.float64]:
    """Multiply the values with an ex-date after each day."""
    products = np.append(np.cumprod(effects.values[::-1])[::-1], 1.0)
    found: NDArray[np.float64] = products[np.searchsorted(effects.dates, dates, side="right")]
    return found


def _with_defects(
    rows: AdjustedBars, factors: AdjustmentFactors, defects: list[Defect]
) -> AdjustedBars:
    dates = np.array([defect.session_date for defect in defects], dtype="datetime64[D]")
    extra = np.array([defect.is_extra for defect in defects])
    # The vendor did not adjust these rows.
    unadjusted = np.array([defect.kind == "split_not_applied" for defect in defects])
    split = np.where(unadjusted, 1.0, factors.split_factor(dates))
    prices = np.array([defect.prices for defect in defects], dtype=float).T / split
    volume = np.array([defect.volume for defect in defects], dtype=float)
    kept = ~np.isin(rows.dates, dates[~extra])
    opens_at = np.array([session_open(defect.session_date) for defect in defects], dtype=np.int64)
    opens_at = np.concatenate([rows.opens_at[kept], opens_at])
    order = np.argsort(opens_at, kind="stable")
    adjusted = prices[3] * factors.distribution_factor(dates)
    is_defect = np.arange(len(opens_at)) >= kept.sum()
    return AdjustedBars(
        dates=np.concatenate([rows.dates[kept], dates])[order],
        opens_at=opens_at[order],
        prices=np.concatenate([rows.prices[:, kept], prices], axis=1)[:, order],
        adjusted=np.concatenate([rows.adjusted[kept], adjusted])[order],
        volume=np.concatenate([rows.volume[kept], np.rint(volume * split)])[order],
        is_defect=is_defect[order],
        is_extra=np.concatenate([rows.is_extra[kept], extra])[order],
    )
