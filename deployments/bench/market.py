"""Generate a large universe in memory and load it straight into core tables."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from tasks.run.context import RunContext
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection, connect
from warehouse.settings import Settings

INDEX = "R2000"
SECTORS = 11
SESSIONS_A_YEAR = 252
LAST = date(2025, 12, 31)


@dataclass(frozen=True)
class Market:
    """Bars in the columns of `core.daily_price`, by instrument and session, and holdings snapshots.

    Attributes:
        bars: One row per bar: `instrument_id`, `session_date`, `close`, `volume`.
        snapshots: One row per member: `as_of_date`, `known_from`, `instrument_id`, `sector`,
            `weight_pct`.
    """

    bars: pl.DataFrame
    snapshots: pl.DataFrame

    def since(self, day: date) -> "Market":
        """Return the market from a day on, with the same members."""
        bars = self.bars.filter(pl.col("session_date") >= day)
        return Market(bars, self.snapshots.filter(pl.col("known_from") >= day))


def make_market(tickers: int, years: int, seed: int = 7) -> Market:
    """Generate random walks on a cent grid; four of five tickers are members each quarter."""
    rng = np.random.default_rng(seed)
    days = pl.date_range(date(LAST.year - years - 5, 1, 1), LAST, "1d", eager=True)
    days = days.filter(days.dt.weekday() <= 5).tail(years * SESSIONS_A_YEAR)
    ids = np.arange(1, tickers + 1, dtype=np.int32)
    steps = rng.normal(0.0002, 0.02, (tickers, len(days)))
    closes = np.round(30 * np.exp(np.cumsum(steps, axis=1)).clip(0.02, 300), 2)
    bars = pl.DataFrame(
        {
            "instrument_id": np.repeat(ids, len(days)),
            "session_date": np.tile(days.to_numpy(), tickers),
            "close": closes.ravel(),
            "volume": rng.integers(1_000, 5_000_000, closes.size),
        }
    )
    snapshots = []
    for place in range(SESSIONS_A_YEAR // 4, len(days), SESSIONS_A_YEAR // 4):
        members = np.sort(rng.permutation(ids)[: tickers * 4 // 5])
        parts = rng.pareto(1.2, len(members)) + 0.1
        snapshots.append(
            pl.DataFrame(
                {
                    "instrument_id": members,
                    "sector": [f"Sector {number % SECTORS}" for number in members],
                    "weight_pct": 100 * parts / parts.sum(),
                }
            ).with_columns(
                pl.lit(days[place - 1]).alias("as_of_date"),
                pl.lit(days[place]).alias("known_from"),
            )
        )
    return Market(bars, pl.concat(snapshots))


def fill(run: RunContext, market: Market, tickers: int) -> None:
    """Insert instruments, bars and members into an empty warehouse, as loads do."""
    with connect(run.settings) as connection:
        connection.execute(
            """
            insert into core.instrument (first_ticker)
            select 'T' || number from generate_series(1, %s) as number order by number
            """,
            (tickers,),
        )
        connection.execute(
            """
            insert into core.ticker (ticker, instrument_id)
            select first_ticker, instrument_id from core.instrument
            """
        )
    add_bars(run, market.bars)
    stamp = (pl.lit("bench").alias("source"), pl.lit(run.run_id, pl.Int64).alias("run_id"), _now())
    members = market.snapshots.with_columns(
        pl.lit(INDEX).alias("index_code"),
        pl.format("T{}", "instrument_id").alias("ticker"),
        pl.lit("IWM").alias("fund"),
        pl.lit("name").alias("name"),
        pl.lit("NYSE").alias("exchange"),
        pl.lit(1.0).alias("market_value_usd"),
        *stamp,
    )
    _append(run.settings, "index_membership", members)
    _record_change(run, "index_membership", "min(known_from)")
    with connect(run.settings, "owner") as connection:
        connection.execute("analyze core.daily_price")
        connection.execute("analyze core.index_membership")


def add_bars(run: RunContext, bars: pl.DataFrame) -> None:
    """Append bars and record the change in `audit.change`."""
    prices = (pl.col("close").alias(name) for name in ("open", "high", "low"))
    stamp = (pl.lit("bench").alias("source"), pl.lit(run.run_id, pl.Int64).alias("run_id"), _now())
    _append(run.settings, "daily_price", bars.with_columns(*prices, *stamp))
    _record_change(run, "daily_price", "min(session_date)")


def _now() -> pl.Expr:
    return pl.lit("2026-01-01").str.to_datetime(time_zone="UTC").alias("loaded_at")


def _append(settings: Settings, table: str, rows: pl.DataFrame) -> None:
    with adbc_connection(settings) as connection:
        for part in rows.iter_slices(1_000_000):
            arrow.append(connection, "core", table, part.to_arrow())
        connection.commit()


def _record_change(run: RunContext, table: str, first: str) -> None:
    with connect(run.settings) as connection:
        connection.execute(
            f"""
            insert into audit.change (table_name, instrument_id, from_date, run_id)
            select '{table}', instrument_id, {first}, {run.run_id}
            from core.{table} where run_id = {run.run_id} group by instrument_id
            """
        )
