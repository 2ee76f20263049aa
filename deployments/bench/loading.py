"""Measure loading of bars beside COPY and `to_sql`; each function returns seconds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

import pandas as pd
import polars as pl

from deployments.bench.market import make_market
from deployments.bench.timing import seconds
from expectations.contract import Contract
from expectations.tables import corporate_action, daily_price
from tasks.extract.provider.fetch_log import FetchRecord, to_frame
from tasks.load.load import load
from tasks.run.context import open_run
from tasks.validate.report import QUARANTINE_COLUMNS, RESULT_COLUMNS
from tasks.validate.validate import Checked
from warehouse.connect.connections import connect
from warehouse.schema.migrate import owner_engine
from warehouse.settings import Settings

# to_sql takes minutes for a million rows, and its seconds grow with the rows
TO_SQL_FRACTION = 20
CHANGED_FRACTION = 100


def make_bars(tickers: int, years: int) -> pd.DataFrame:
    """Return generated bars in the columns of an extraction, ticker by ticker."""
    bars = make_market(tickers, years).bars.with_columns(
        pl.format("T{}", "instrument_id").alias("ticker"),
        *(pl.col("close").alias(name) for name in ("open", "high", "low")),
        pl.lit(1.0).alias("volume_resolution"),
        pl.lit("bench").alias("source"),
    )
    return bars.select(daily_price.CONTRACT.input_columns).to_pandas()


def change_rows(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the bars with other volumes in one row of a hundred."""
    is_changed = pd.Series(range(len(bars))) % CHANGED_FRACTION == 0
    return bars.assign(volume=bars["volume"] + 1000 * is_changed)


def load_seconds(settings: Settings, bars: pd.DataFrame) -> float:
    """Load bars in the batches of the flow `prices`, each in one transaction."""
    codes = pd.factorize(bars["ticker"])[0] // settings.yahoo_batch_tickers
    batches = [
        (
            _fetches([*rows["ticker"].unique()]),
            (_checked(daily_price.CONTRACT, rows), _checked(corporate_action.CONTRACT)),
        )
        for _, rows in bars.groupby(codes)
    ]
    with open_run("bench", settings, publish_artifact=False) as run:
        return seconds(lambda: [load.fn(fetches, rows, run.writer) for fetches, rows in batches])


def copy_seconds(settings: Settings, bars: pd.DataFrame) -> float:
    """Copy the bars as CSV into an empty table with the key, checks and indexes of ours."""
    stored = bars[["open", "high", "low", "close", "volume", "source"]]
    stored.insert(0, "instrument_id", bars["ticker"].str[1:].astype(int))
    stored.insert(1, "session_date", bars["session_date"].dt.date)
    stored = stored.assign(loaded_at=datetime(2026, 1, 1, tzinfo=UTC), run_id=1)
    csv = BytesIO()
    pl.from_pandas(stored).write_csv(csv, include_header=False)

    def copy() -> None:
        with connect(settings, "owner") as connection:
            connection.execute("drop table if exists core.bench_copy")
            connection.execute("create table core.bench_copy (like core.daily_price including all)")
            with connection.cursor().copy("copy core.bench_copy from stdin (format csv)") as lines:
                lines.write(csv.getvalue())

    return min(seconds(copy) for _ in range(2))


def to_sql_seconds(settings: Settings, bars: pd.DataFrame) -> float:
    """Write a share of the bars with pandas, without a key; return the seconds for all."""
    rows = bars.head(len(bars) // TO_SQL_FRACTION)
    engine = owner_engine(settings)
    try:
        return TO_SQL_FRACTION * seconds(
            lambda: rows.to_sql(
                "bench_to_sql", engine, schema="core", if_exists="replace", index=False
            )
        )
    finally:
        engine.dispose()


def _checked(contract: Contract, rows: pd.DataFrame | None = None) -> Checked:
    frame = pd.DataFrame(columns=[*contract.input_columns]) if rows is None else rows
    return Checked(
        contract,
        frame,
        pd.DataFrame(columns=[*QUARANTINE_COLUMNS]),
        pd.DataFrame(columns=[*RESULT_COLUMNS]),
    )


def _fetches(tickers: Sequence[str]) -> pd.DataFrame:
    now = datetime.now(UTC)
    return to_frame(
        FetchRecord("yahoo", "daily_price", ticker, None, None, "loaded", None, "", 1, 1, now, now)
        for ticker in tickers
    )
