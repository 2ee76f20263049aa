"""ALFRED's rows of one series as of a day or a real-time period."""

from datetime import date

import polars as pl

from deployments.sandbox.providers.fred.replies import LAST_DAY, FredError

MAX_VINTAGES = 2000
START, END = pl.col("realtime_start"), pl.col("realtime_end")
NO_ROWS = pl.DataFrame(
    schema={
        "observation_date": pl.Date,
        "value": pl.Float64,
        "realtime_start": pl.Date,
        "realtime_end": pl.Date,
    }
)


def as_of(rows: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return the rows known on a day; rows superseded later are still open.

    Args:
        rows: All vintages of a series.
        today: The day.

    Returns:
        The rows that had begun, with the end of their validity as it was known.
    """
    ends = pl.when(today > END).then(END).otherwise(pl.lit(LAST_DAY))
    return rows.filter(today >= START).with_columns(realtime_end=ends)


def clip_to_realtime_period(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Return the rows valid within a period, their validity clipped to it.

    Args:
        rows: Rows of one series.
        start: The window's first day.
        end: Its last.

    Returns:
        The rows; their realtime_start is the window's where they are older.

    Raises:
        FredError: When more vintages begin in the window than FRED allows.
    """
    vintages = rows.filter(START.is_between(start, end))["realtime_start"].n_unique()
    if vintages > MAX_VINTAGES:
        raise FredError(
            400,
            f"Bad Request.  There are {vintages} vintage dates in the specified real-time period: "
            f"{start} to {end}.  This exceeds the maximum number of vintage dates allowed "
            f"({MAX_VINTAGES}).",
        )
    return rows.filter((end >= START) & (start <= END)).with_columns(
        realtime_start=pl.max_horizontal(START, pl.lit(start)),
        realtime_end=pl.min_horizontal(END, pl.lit(end)),
    )


def initial_releases(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the first value of each observation.

    The observations up to the newest one of the series' first vintage are left out, as FRED does
    (seen in its reply for GDP): their initial release is older than the archive.

    Args:
        rows: Rows of one series, by observation date and realtime_start.

    Returns:
        One row per observation.
    """
    first = rows.filter(START.min() == START)["observation_date"].max()
    return rows.unique("observation_date", keep="first", maintain_order=True).filter(
        pl.col("observation_date") > first
    )
