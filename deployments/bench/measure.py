"""Measurements: each function returns seconds and runs in its own process."""

import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from deployments.bench.market import Market, add_bars
from deployments.bench.timing import peak_memory_gb, seconds
from tasks.derive.breadth import sector_breadth
from tasks.derive.breadth.breadth import derive_breadth
from tasks.derive.incremental.derived_table import derive_table
from tasks.load.publish import validate_and_merge
from tasks.run.context import open_run
from warehouse.connect.connections import connect
from warehouse.settings import Settings

WINDOW_FUNCTIONS = Path(__file__).with_name("window_functions.sql")
INCREMENTS = 5


def bare_seconds(market: Market) -> float:
    """Return the seconds of the computation alone, the better of two runs."""
    bars = market.bars.with_columns(pl.lit(1.0).alias("split_factor"))
    return min(seconds(lambda: derive_breadth(bars, market.snapshots)) for _ in range(2))


def rebuild(settings: Settings) -> tuple[float, float, float]:
    """Rebuild everything; return seconds to derive, seconds to write, peak memory in GB."""
    import great_expectations  # noqa: F401 - seconds that a running worker has behind it

    with open_run("bench", settings) as run:
        began = time.perf_counter()
        derived = derive_table.fn(sector_breadth.TABLE, settings)
        derived_at = time.perf_counter()
        assert derived is not None
        validate_and_merge(derived, run.writer)
        done = time.perf_counter()
    return derived_at - began, done - derived_at, peak_memory_gb()


def increment(settings: Settings, tickers: int) -> float:
    """Return the median seconds to derive and write one more session."""
    found = []
    for _ in range(INCREMENTS):
        with connect(settings) as connection:
            row = connection.execute("select max(session_date) from core.daily_price").fetchone()
        assert row is not None
        newest: date = row[0]
        bars = pl.DataFrame(
            {"instrument_id": range(1, tickers + 1)}, schema={"instrument_id": pl.Int32}
        ).with_columns(
            pl.lit(newest + timedelta(days=1)).alias("session_date"),
            (30 + pl.col("instrument_id") % 7).cast(pl.Float64).alias("close"),
            pl.lit(1000, pl.Int64).alias("volume"),
        )
        with open_run("bench", settings) as run:
            add_bars(run, bars)
            began = time.perf_counter()
            derived = derive_table.fn(sector_breadth.TABLE, settings)
            assert derived is not None
            validate_and_merge(derived, run.writer)
            found.append(time.perf_counter() - began)
    return sorted(found)[len(found) // 2]


def window_seconds(settings: Settings, instruments: int) -> float:
    """Return the seconds of the counts in Postgres, for the first instruments."""
    with connect(settings, "owner") as connection:
        query = WINDOW_FUNCTIONS.read_text()
        return seconds(lambda: connection.execute(query, {"instruments": instruments}).fetchall())
