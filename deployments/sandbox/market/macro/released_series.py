"""Macro series released with a lag and revised: prices, jobs, claims, output."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deployments.sandbox.market.macro.vintages import publications
from deployments.sandbox.market.prices.factors import ar1
from deployments.sandbox.market.sessions import Days, Timeline, month_starts

Values = NDArray[np.float64]

#: Months whose figures were released on other days than the rule gives: the shutdowns of October
#: 2025 and of early 2026. October 2025 itself was never collected (see `_NEVER`).
_CPI_DELAYS = {
    "2025-09": "2025-10-24",
    "2025-11": "2025-12-18",
    "2025-12": "2026-01-13",
    "2026-01": "2026-02-13",
}
_JOBS_DELAYS = {
    "2025-09": "2025-11-20",
    "2025-11": "2025-12-16",
    "2025-12": "2026-01-09",
    "2026-01": "2026-02-11",
}
_NEVER = np.datetime64("2025-10-01")

#: Seasonal factors are revised this many calendar years back, once a year.
_REVISED_YEARS = 5

#: Real output of the quarter before the first, billions of chained dollars.
_FIRST_OUTPUT = 14_000.0

_INFLATION = (
    (2000, 3.0), (2006, 3.2), (2008.4, 5.0), (2009, -1.5), (2010, 1.6), (2011.4, 3.7),
    (2013, 1.6), (2015, 0.2), (2018, 2.3), (2020.3, 0.3), (2021, 4.0), (2021.6, 8.0),
    (2022.4, 8.8), (2022.8, 4.5), (2023.5, 3.4), (2024.5, 2.8), (2025.5, 2.9), (2027, 2.5),
)  # fmt: skip
_UNEMPLOYMENT = (
    (2000, 4.0), (2003.5, 6.2), (2007, 4.5), (2009.8, 9.9), (2013, 7.8), (2016, 4.9),
    (2020.1, 3.5), (2020.28, 14.5), (2020.6, 9.5), (2021.2, 6.2), (2022.2, 3.7), (2023.3, 3.5),
    (2024.6, 4.2), (2025.5, 4.2), (2025.9, 4.5), (2027, 4.3),
)  # fmt: skip
_CLAIMS = (
    (2000, 300e3), (2003, 420e3), (2006, 310e3), (2009.2, 650e3), (2011, 410e3), (2015, 280e3),
    (2020.2, 215e3), (2020.24, 5.9e6), (2020.45, 1.4e6), (2021.1, 780e3), (2021.8, 280e3),
    (2022.3, 205e3), (2024, 215e3), (2027, 225e3),
)  # fmt: skip


def survey_publications(timeline: Timeline, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Return publications of consumer prices, unemployment rate, jobless claims and output.

    Returns:
        Frames of `vintages.publications`, with one row per observation and release that gave it
        a value. Some releases lie after the last session: `vintages.intervals` drops them.
    """
    first, last = timeline.history[0], timeline.history[-1]
    months = month_starts(first, last)
    return [
        *_prices(months, timeline, rng),
        _unemployment(months, timeline, rng),
        _claims(first, last, timeline, rng),
        *_output(months, timeline, rng),
    ]


def _prices(months: Days, timeline: Timeline, rng: np.random.Generator) -> list[pl.DataFrame]:
    within = rng.integers(9, 14, len(months))
    released = _delayed(months, _next_months(months) + within, _CPI_DELAYS, timeline)
    number = months.astype("datetime64[M]").astype(int) % 12
    season = 0.003 * np.sin(2 * np.pi * (number - 1) / 12)
    frames = []
    for total, core, end, noise in (
        ("CPIAUCSL", "CPIAUCNS", 326.6, 0.0009),
        ("CPILFESL", "CPILFENS", 332.4, 0.0004),
    ):
        pace = _at(_INFLATION, months)
        if total == "CPILFESL":
            pace = 2.3 + 0.5 * (pace - 2.3)
        growth = pace / 1200 + noise * rng.standard_normal(len(months))
        level = np.exp(np.cumsum(growth))
        level *= end / level[-1]
        error = rng.normal(0, 0.0004, len(months))
        frames.append(
            publications(
                core, months, _with_missing(np.round(level * (1 + season), 3), months), released
            )
        )
        frames.append(_revised(total, months, level, error, released, 1, 3, rng))
    return frames


def _unemployment(months: Days, timeline: Timeline, rng: np.random.Generator) -> pl.DataFrame:
    # Three weeks after the Friday of the week with the 12th, or the bank day before.
    friday = np.busday_offset(months + 11, 0, roll="forward", weekmask="0000100") + 21
    friday = np.busday_offset(friday, 0, roll="backward", holidays=timeline.bank_holidays)
    released = _delayed(months, friday, _JOBS_DELAYS, timeline)
    level = _at(_UNEMPLOYMENT, months) + ar1(rng.normal(0, 0.04, len(months)), 0.8)
    error = rng.normal(0, 0.014, len(months))
    return _revised("UNRATE", months, level, error, released, 12, 1, rng)


def _revised(
    series_id: str,
    months: Days,
    level: Values,
    error: Values,
    released: Days,
    with_month: int,
    decimals: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return first releases, and yearly revisions published with month `with_month`.

    Each revision halves the relative error of the calendar years it reaches.
    """

    def observed(value: Values, chosen: NDArray[np.bool_]) -> Values:
        return _with_missing(np.round(value, decimals), months)[chosen]

    everything = np.ones(len(months), dtype=np.bool_)
    parts = [(months, observed(level * (1 + error), everything), released)]
    number = months.astype("datetime64[M]").astype(int)
    year = number // 12
    error = error.copy()
    for turn in np.flatnonzero(number % 12 + 1 == with_month):
        # January's figure reopens the five years before it, December's its own year too.
        latest = year[turn] - (1 if with_month == 1 else 0)
        reach = (year <= latest) & (year > latest - _REVISED_YEARS) & (number < number[turn])
        error[reach] = 0.5 * error[reach] + rng.normal(0, np.abs(error).mean() / 4, reach.sum())
        day = np.full(int(reach.sum()), released[turn])
        parts.append((months[reach], observed(level * (1 + error), reach), day))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return publications(series_id, joined[0], joined[1], joined[2])


def _claims(
    first: np.datetime64, last: np.datetime64, timeline: Timeline, rng: np.random.Generator
) -> pl.DataFrame:
    saturday = np.busday_offset(first, 0, roll="forward", weekmask="0000010")
    weeks = np.arange(saturday, last, 7)
    level = _at(_CLAIMS, weeks) * np.exp(rng.normal(0, 0.03, len(weeks)))
    # Thursday, or the bank day before when that is a holiday.
    released = np.busday_offset(weeks + 5, 0, roll="backward", holidays=timeline.bank_holidays)
    early = np.round(level / 1000) * 1000
    later = early + np.round(rng.normal(0, 2, len(weeks))) * 1000
    following = np.append(released[1:], released[-1] + 7)
    return publications(
        "ICSA",
        np.concatenate([weeks, weeks]),
        np.concatenate([early, later]),
        np.concatenate([released, following]),
    )


def _output(
    months: Days, timeline: Timeline, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return three estimates per quarter of output's growth, and of its level."""
    number = months.astype("datetime64[M]").astype(int)
    quarters = months[(number % 3 == 0)]
    growth = 2.2 + 1.3 * rng.standard_normal(len(quarters))
    for quarter, shock in (("2020-01-01", -5.5), ("2020-04-01", -28.0), ("2020-07-01", 34.8)):
        growth[quarters == np.datetime64(quarter)] = shock
    # each estimate of a quarter adds its growth to the final level of the quarter before
    final = _FIRST_OUTPUT * np.cumprod((1 + growth / 100) ** 0.25)
    before = np.append(_FIRST_OUTPUT, final[:-1])
    parts = []
    for order in range(3):
        ends = (quarters.astype("datetime64[M]") + 4 + order).astype("datetime64[D]")
        thursday = np.busday_offset(ends, -1, roll="forward", weekmask="0001000")
        released = np.busday_offset(thursday, 0, roll="backward", holidays=timeline.bank_holidays)
        is_published = np.ones(len(quarters), dtype=np.bool_)
        # The shutdown merged the first two estimates of the third quarter of 2025.
        late = quarters == np.datetime64("2025-07-01")
        if order == 0:
            is_published &= ~late
        released[late] = np.datetime64(("2025-12-23", "2025-12-23", "2026-01-22")[order])
        released[quarters == np.datetime64("2025-10-01")] = np.datetime64(
            ("2026-02-20", "2026-03-13", "2026-04-09")[order]
        )
        value = np.round(growth + (0.3, 0.15, 0.0)[order] * rng.standard_normal(len(growth)), 1)
        level = np.round(before * (1 + value / 100) ** 0.25, 3)
        parts.append([each[is_published] for each in (quarters, value, level, released)])
    observed, values, levels, days = (np.concatenate(part) for part in zip(*parts, strict=True))
    return (
        publications("A191RL1Q225SBEA", observed, values, days),
        publications("GDPC1", observed, levels, days),
    )


def _next_months(months: Days) -> Days:
    return (months.astype("datetime64[M]") + 1).astype("datetime64[D]")


def _delayed(months: Days, planned: Days, delays: dict[str, str], timeline: Timeline) -> Days:
    """Return release days on bank days, with the known delays.

    A month that was never collected appears, as missing, on the release day of the next one.
    """
    released = np.busday_offset(planned, 0, roll="forward", holidays=timeline.bank_holidays)
    for month, day in delays.items():
        released[months == np.datetime64(month + "-01")] = np.datetime64(day)
    released[months == _NEVER] = np.datetime64(delays["2025-11"])
    return released


def _with_missing(value: Values, months: Days) -> Values:
    return np.where(months == _NEVER, np.nan, value)


def _at(knots: tuple[tuple[float, float], ...], days: Days) -> Values:
    when = 1970 + days.astype("datetime64[D]").astype(int) / 365.25
    return np.interp(when, [knot for knot, _ in knots], [level for _, level in knots])
