"""Store how prices compare with a second source: differences, and those that have ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.contract import Column
from expectations.tables.audit import audit_columns
from tasks.run.audit import insert_fetches
from tasks.run.transaction import RunWriter
from tasks.validate.compare_prices import Comparison, to_frame
from warehouse.connect import arrow

STAGED = (
    *audit_columns(
        "price_discrepancy",
        *("ticker", "session_date", "field", "unit", "stored_value", "source_value"),
    ),
    Column("is_different", "boolean", "Whether the values differ beyond rounding"),
)
UPSERT_SQL = """
insert into audit.price_discrepancy as stored (
    ticker, session_date, field, unit, stored_value, source, source_value, first_run_id,
    last_run_id
)
select
    ticker, session_date, field, unit, stored_value, $2::text, source_value, $1::bigint,
    $1::bigint
from new_comparison where is_different
on conflict (ticker, session_date, field) do update
set unit = excluded.unit, stored_value = excluded.stored_value, source = excluded.source,
    source_value = excluded.source_value, last_run_id = excluded.last_run_id,
    last_seen_at = clock_timestamp(), resolved_run_id = null, resolved_at = null
returning (first_run_id = last_run_id) as is_new
"""
RESOLVE_SQL = """
update audit.price_discrepancy as stored
set resolved_run_id = $1::bigint, resolved_at = clock_timestamp()
from new_comparison as new
where not new.is_different and stored.resolved_at is null
    and stored.ticker = new.ticker and stored.session_date = new.session_date
    and stored.field = new.field
returning stored.field
"""
END_SQL = """
update audit.price_discrepancy as stored
set resolved_run_id = $1::bigint, resolved_at = clock_timestamp()
from ended_item as ended
where stored.resolved_at is null and stored.ticker = ended.ticker
    and (ended.session_date is null or stored.session_date = ended.session_date)
returning stored.field
"""
ENDED = audit_columns("price_discrepancy", "ticker", "session_date")


@dataclass(frozen=True)
class EndedItems:
    """What can differ no more.

    Attributes:
        tickers: Renamed since, or unknown to the second source.
        sessions: (ticker, session) of which no source has a bar any more.
    """

    tickers: Collection[str] = ()
    sessions: Collection[tuple[str, date]] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per ticker, whose `session_date` is NaT, and per session."""
        rows = [*((ticker, None) for ticker in self.tickers), *self.sessions]
        frame = pd.DataFrame(rows, columns=["ticker", "session_date"])
        days = pd.to_datetime(frame["session_date"]).astype("datetime64[s]")
        return frame.assign(ticker=frame["ticker"].astype("str"), session_date=days)


@dataclass(frozen=True)
class DiscrepancyCounts:
    """Number of differences: seen first, seen before and still there, and ended."""

    new: int = 0
    open: int = 0
    resolved: int = 0


@task(name="store price comparison", cache_policy=NO_CACHE)
def store_comparison(
    fetches: pd.DataFrame,
    comparisons: Sequence[Comparison],
    ended: EndedItems,
    source: str,
    writer: RunWriter,
) -> DiscrepancyCounts:
    """Store a comparison in one transaction, with its fetch log; equal values are not stored.

    A difference that is seen again keeps its first run. One ends when a later run compares the
    value and both sources agree, or when there is nothing left to compare; any other value that
    was not compared changes nothing.

    Args:
        fetches: Rows of the fetch log, one per requested ticker.
        comparisons: All values that were compared.
        ended: Whose differences end without a comparison.
        source: The second source.
        writer: Commits for the run.

    Raises:
        RunLockLost: Another run took over while this one was disconnected.
        adbc_driver_manager.Error: The database stays down; nothing is stored then.
    """

    def write(connection: adbc.Connection) -> DiscrepancyCounts:
        insert_fetches(connection, writer.run_id, fetches)
        written, resolved = pl.DataFrame(), 0
        if comparisons:
            arrow.stage(connection, "new_comparison", arrow.to_arrow(to_frame(comparisons), STAGED))
            written = arrow.read(connection, UPSERT_SQL, (writer.run_id, source))
            resolved = arrow.read(connection, RESOLVE_SQL, (writer.run_id,)).height
        if ended.tickers or ended.sessions:
            arrow.stage(connection, "ended_item", arrow.to_arrow(ended.to_frame(), ENDED))
            resolved += arrow.read(connection, END_SQL, (writer.run_id,)).height
        new = int(written["is_new"].sum()) if written.height else 0
        return DiscrepancyCounts(new, written.height - new, resolved)

    return writer.commit_exactly_once(write) or DiscrepancyCounts()
