"""Daily macro series: policy rates, Treasury and corporate yields, the dollar, volatility."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deployments.sandbox.market.macro.policy_rate import (
    RANGE_SINCE,
    SOFR_SINCE,
    effective_rate,
    expected_rate,
    target_limits,
)
from deployments.sandbox.market.macro.vintages import publications
from deployments.sandbox.market.prices.factors import ar1
from deployments.sandbox.market.sessions import Days, Timeline, month_starts

Values = NDArray[np.float64]


def daily_publications(
    timeline: Timeline, vix: Values, rng: np.random.Generator
) -> list[pl.DataFrame]:
    """Return publications of all daily series and the monthly mean funds rate.

    Args:
        timeline: the tape's days.
        vix: closing volatility index on each session of the history.
        rng: source of the draws.

    Returns:
        Frames of `vintages.publications`. Each value appears on the next bank day; the target
        range on its own day, the dollar index on the Monday after its week.
    """
    days = np.arange(timeline.history[0], timeline.history[-1] + 1)
    open_day = np.is_busday(days, holidays=timeline.bank_holidays)
    weekday = np.is_busday(days)
    bank = days[open_day]

    def next_day(observed: Days) -> Days:
        return np.busday_offset(observed, 1, roll="backward", holidays=timeline.bank_holidays)

    def on_weekdays(series_id: str, value: Values) -> pl.DataFrame:
        """Return the values on bank days and '.' on other weekdays."""
        full = np.full(len(days), np.nan)
        full[open_day] = np.round(value, 2)
        kept = days[weekday]
        return publications(series_id, kept, full[weekday], next_day(kept))

    def on_bank_days(series_id: str, value: Values) -> pl.DataFrame:
        return publications(series_id, bank, np.round(value, 2), next_day(bank))

    funds = effective_rate(days, open_day, rng)
    upper, lower = target_limits(days)
    ranged = days >= RANGE_SINCE
    since = bank >= SOFR_SINCE
    secured = lower[open_day] + 0.07 + 0.02 * rng.standard_normal(len(bank))
    secured += 0.08 * _quarter_ends(bank)
    yields = _treasuries(days, rng)
    bills, twos, tens = (np.round(each[open_day], 2) for each in yields)
    fear = np.interp(bank.astype(int), timeline.history.astype(int), vix)
    spread = _high_yield_spread(fear, rng)
    grade = np.maximum(0.28 * spread + 0.15 + ar1(rng.normal(0, 0.01, len(bank)), 0.98), 0.5)
    return [
        publications("DFF", days, funds, next_day(days)),
        on_bank_days("EFFR", funds[open_day]),
        _monthly_mean(days, funds, timeline),
        publications("DFEDTARU", days[ranged], upper[ranged], days[ranged]),
        publications("DFEDTARL", days[ranged], lower[ranged], days[ranged]),
        publications("SOFR", bank[since], np.round(secured[since], 2), next_day(bank[since])),
        on_weekdays("DGS3MO", bills),
        on_weekdays("DGS2", twos),
        on_weekdays("DGS10", tens),
        on_weekdays("T10Y2Y", tens - twos),
        on_weekdays("T10Y3M", tens - bills),
        on_bank_days("BAMLH0A0HYM2", spread),
        on_bank_days("BAMLH0A0HYM2EY", np.round(spread, 2) + (twos + tens) / 2),
        on_bank_days("BAMLC0A0CMEY", grade + (twos + tens) / 2),
        on_weekdays("DBAA", tens + 1.1 + 0.35 * grade),
        _dollar(days[weekday], open_day[weekday], timeline, rng),
        _volatility(days[weekday], timeline, vix, next_day),
    ]


def _treasuries(days: Days, rng: np.random.Generator) -> tuple[Values, Values, Values]:
    """Return three-month, two-year and ten-year yields on each day, percent."""

    def wander(deviation: float, persistence: float) -> Values:
        shocks = rng.standard_normal(len(days)) * deviation * np.sqrt(1 - persistence**2)
        return ar1(shocks, persistence)

    bills = expected_rate(days, 60) + 0.05 + wander(0.03, 0.9)
    twos = 0.85 * expected_rate(days, 540) + 0.35 + wander(0.18, 0.995)
    tens = 0.45 * twos + 2.4 + wander(0.3, 0.997)
    return np.maximum(bills, 0.01), np.maximum(twos, 0.1), np.maximum(tens, 0.5)


def _high_yield_spread(fear: Values, rng: np.random.Generator) -> Values:
    """Return the high-yield spread, which lags volatility by weeks, percent."""
    slow = ar1(0.05 * (fear - fear.mean()), 0.95) + fear.mean()
    noise = ar1(rng.normal(0, 0.03, len(fear)), 0.99)
    spread: Values = np.maximum(1.0 + 0.16 * slow + noise, 2.4)
    return spread


def _quarter_ends(bank: Days) -> Values:
    """Return 1 on each quarter's last bank day, when secured funding is scarce."""
    months = bank.astype("datetime64[M]").astype(int)
    last = np.append(months[1:] != months[:-1], False)
    scarce: Values = (last & (months % 3 == 2)).astype(float)
    return scarce


def _monthly_mean(days: Days, funds: Values, timeline: Timeline) -> pl.DataFrame:
    starts = month_starts(days[0], days[-1])[1:]
    edges = np.searchsorted(days, starts)
    # The last month is not over; the one before it ends at the last edge.
    means = [funds[low:high].mean() for low, high in pairwise(edges)]
    released = np.busday_offset(starts[1:], 0, roll="forward", holidays=timeline.bank_holidays)
    return publications("FEDFUNDS", starts[:-1], np.round(np.array(means), 2), released)


def _dollar(
    weekdays: Days, is_open: NDArray[np.bool_], timeline: Timeline, rng: np.random.Generator
) -> pl.DataFrame:
    level = 121.0 * np.exp(ar1(rng.normal(0, 0.0032, len(weekdays)), 0.998))
    value = np.where(is_open, np.round(level, 4), np.nan)
    monday = np.busday_offset(weekdays + 1, 0, roll="forward", weekmask="1000000")
    released = np.busday_offset(monday, 0, roll="forward", holidays=timeline.bank_holidays)
    return publications("DTWEXBGS", weekdays, value, released)


def _volatility(
    weekdays: Days, timeline: Timeline, vix: Values, next_day: Callable[[Days], Days]
) -> pl.DataFrame:
    value = np.full(len(weekdays), np.nan)
    value[np.searchsorted(weekdays, timeline.history)] = vix
    return publications("VIXCLS", weekdays, value, next_day(weekdays))
