"""Interest rates as they were known on a day: quarter means of DFF, market yields."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from math import fsum

import polars as pl

from warehouse.reference import read_reference

POLICY_RATE = "DFF"
# FRED's daily yields have gaps on weekends and holidays and are a day late
MAX_AGE_DAYS = 14
# minimum share of days known for a quarter's mean
MIN_COVERAGE = 0.9


@cache
def market_series() -> Mapping[str, tuple[str, ...]]:
    """Map each index code to the series of its market rate, preferred first."""
    table = read_reference("market_rate")
    table = table.assign(rank=table["rank"].astype(int)).sort_values("rank", kind="stable")
    return {str(code): tuple(ids) for code, ids in table.groupby("index_code")["series_id"]}


def required_series() -> tuple[str, ...]:
    """Return all series that `Rates` reads."""
    return tuple(sorted({POLICY_RATE, *(name for ids in market_series().values() for name in ids)}))


class Rates:
    """Rates as fractions, as known on the days asked for."""

    def __init__(self, vintages: pl.DataFrame) -> None:
        """Index every vintage of the required series.

        Args:
            vintages: `series_id`, `observation_date`, `vintage_date`, `value` in percent.
        """
        self._vintages = {
            str(key[0]): rows.sort("observation_date", "vintage_date")
            for key, rows in vintages.group_by("series_id")
        }
        self._known: dict[tuple[str, date], tuple[list[date], list[float]]] = {}
        self._means: dict[tuple[date, date, date], float | None] = {}

    def _as_of(self, series_id: str, day: date) -> tuple[list[date], list[float]]:
        """Return a series' observations with a value, in the newest vintage by a day."""
        key = (series_id, day)
        if key not in self._known:
            rows = self._vintages.get(series_id)
            if rows is None:
                self._known[key] = ([], [])
            else:
                newest = (
                    rows.filter(pl.col("vintage_date") <= day)
                    .unique("observation_date", keep="last", maintain_order=True)
                    .drop_nulls("value")
                )
                self._known[key] = (newest["observation_date"].to_list(), newest["value"].to_list())
        return self._known[key]

    def mean_policy_rate(self, start: date, end: date, day: date) -> float | None:
        """Return the mean of DFF over a period, inclusive; None where too many days are missing."""
        key = (start, end, day)
        if key not in self._means:
            days, values = self._as_of(POLICY_RATE, day)
            in_period = values[bisect_left(days, start) : bisect_right(days, end)]
            is_enough = len(in_period) >= MIN_COVERAGE * ((end - start).days + 1)
            self._means[key] = (
                fsum(in_period) / len(in_period) / 100 if is_enough and in_period else None
            )
        return self._means[key]

    def market_rate(self, index_code: str | None, day: date) -> tuple[float, str] | None:
        """Return the market rate of an index's companies and its series.

        The preferred series with a value in the last two weeks known by the day.
        """
        for series_id in market_series().get(index_code or "", ()):
            days, values = self._as_of(series_id, day)
            at = bisect_right(days, day) - 1
            if at >= 0 and days[at] >= day - timedelta(days=MAX_AGE_DAYS):
                return values[at] / 100, series_id
        return None
