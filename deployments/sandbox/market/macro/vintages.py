"""Convert single publications to ALFRED's real-time intervals."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deployments.sandbox.market.sessions import Days

#: End of an interval that still holds.
OPEN_END = date(9999, 12, 31)

_COLUMNS = ("series_id", "observation_date", "value", "realtime_start", "realtime_end")


def publications(
    series_id: str,
    observed: Days,
    value: NDArray[np.float64],
    released: Days,
) -> pl.DataFrame:
    """Return publications of one series; NaN is FRED's '.' (published as missing)."""
    return pl.DataFrame(
        {"observation_date": observed, "value": value, "realtime_start": released}
    ).select(
        pl.lit(series_id).alias("series_id"),
        "observation_date",
        pl.col("value").fill_nan(None),
        "realtime_start",
    )


def intervals(published: pl.DataFrame, known_by: date) -> pl.DataFrame:
    """Return the maximal intervals of unchanged values of each observation.

    Args:
        published: rows of `publications`, several per observation where it was revised.
        known_by: later publications are left out, so that nothing tells the tape's future.

    Returns:
        One row per (series_id, observation_date, realtime_start): value (null where FRED has
        '.'), realtime_start and realtime_end, both inclusive. Intervals of an observation follow
        each other without gap or overlap; a publication that repeats the value starts none.
    """
    key = ["series_id", "observation_date"]
    ordered = (
        published.filter(pl.col("realtime_start") <= known_by)
        .sort([*key, "realtime_start"])
        .with_columns(
            new=(pl.int_range(pl.len()).over(key) == 0)
            | pl.col("value").ne_missing(pl.col("value").shift(1).over(key))
        )
        .filter("new")
    )
    following = pl.col("realtime_start").shift(-1).over(key)
    return ordered.with_columns(
        realtime_end=following.dt.offset_by("-1d").fill_null(pl.lit(OPEN_END))
    ).select(_COLUMNS)


def release_dates(published: pl.DataFrame, series: pl.DataFrame, known_by: date) -> pl.DataFrame:
    """Return the publication days of each release: release_id, date."""
    return (
        published.filter(pl.col("realtime_start") <= known_by)
        .join(series.select("series_id", "release_id"), on="series_id")
        .select("release_id", pl.col("realtime_start").alias("date"))
        .unique()
        .sort("release_id", "date")
    )
