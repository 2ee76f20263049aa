"""Load a batch in one transaction: rows, fetch log, quarantine and rule results.

Either all of a batch is stored, or nothing. Loading the same batch twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

import warehouse
from expectations.tables import corporate_action, daily_price
from tasks.extract.provider.fetch_log import mark_validation_failed
from tasks.load.pending_filings import PendingFilingUpdate, update_pending_filings
from tasks.run.audit import insert_fetches, insert_validation_results, upsert_quarantine
from tasks.run.events import notify_table_changed
from tasks.run.totals import RunTotals
from tasks.run.transaction import RunWriter
from tasks.validate.validate import Checked, Refused
from warehouse.connect import arrow
from warehouse.merge.counts import MergeCounts
from warehouse.merge.merge import lock_tables, merge

REFRESH_ADJUSTMENT_FACTORS_SQL = (
    Path(warehouse.__path__[0]) / "schema" / "sql" / "refresh_factors.sql"
)


@task(name="load", cache_policy=NO_CACHE)
def load(
    fetches: pd.DataFrame,
    checked: Sequence[Checked] | Refused,
    writer: RunWriter,
    pending_filings: PendingFilingUpdate | None = None,
) -> RunTotals:
    """Load one batch and return its totals.

    Of a refused batch, the rule results are stored and no row. Its fetch log says refused for
    items with rows, so that they are requested again.

    Args:
        fetches: Rows of the fetch log, one per requested item.
        checked: The validated rows of each table, or the refusal of the batch.
        writer: Commits for the run.
        pending_filings: Filings that the batch discovered or completed.

    Raises:
        RunLockLost: Another run took over while this one was disconnected.
        adbc_driver_manager.Error: The database rejects a row or stays down; nothing of the batch
            is stored then, and loading it again stores all of it.
    """
    if isinstance(checked, Refused):
        return _load_refused(fetches, checked, writer)

    def write(connection: adbc.Connection) -> dict[str, MergeCounts]:
        counts: dict[str, MergeCounts] = {}
        load_time = lock_tables(connection, [each.contract for each in checked])
        insert_fetches(connection, writer.run_id, fetches)
        for each in checked:
            upsert_quarantine(connection, writer.run_id, each.quarantine)
            counts[each.contract.table] = write_table(connection, each, writer.run_id, load_time)
        if {daily_price.CONTRACT.table, corporate_action.CONTRACT.table} <= set(counts):
            # in this transaction, so that no reader sees a split without its factor
            for statement in REFRESH_ADJUSTMENT_FACTORS_SQL.read_text().split("-- next statement"):
                arrow.execute(connection, statement)
        if pending_filings is not None:
            update_pending_filings(connection, writer.run_id, pending_filings)
        return counts

    counts = writer.commit_exactly_once(write) or {}
    totals = RunTotals()
    totals.record_fetches(fetches)
    for each in checked:
        totals.count(
            each.contract.table,
            **asdict(counts[each.contract.table]),
            quarantined=each.quarantine["key"].nunique(),
        )
        totals.record_rule_results(each.rule_results)
    return totals


def write_table(
    connection: adbc.Connection,
    checked: Checked,
    run_id: int,
    load_time: str,
    rows: pl.DataFrame | None = None,
    replace_where: str | None = None,
) -> MergeCounts:
    """Store rule results, merge valid rows and notify listeners, in the connection's transaction.

    Args:
        connection: Of the run's transaction, which has locked the table.
        checked: The validated rows.
        run_id: The run.
        load_time: Of all rows of the transaction.
        rows: The same rows as a Polars frame, where there is one; it is merged instead.
        replace_where: SQL on `old`: stored rows that the new ones replace as a whole.
    """
    insert_validation_results(connection, run_id, checked.rule_results)
    frame = checked.valid_rows if rows is None else rows
    counts = merge(connection, checked.contract, frame, run_id, load_time, replace_where)
    notify_table_changed(connection, checked.contract.table, run_id, counts)
    return counts


def _load_refused(fetches: pd.DataFrame, refused: Refused, writer: RunWriter) -> RunTotals:
    marked = mark_validation_failed(fetches, refused.message)

    def write(connection: adbc.Connection) -> bool:
        insert_fetches(connection, writer.run_id, marked)
        insert_validation_results(connection, writer.run_id, refused.rule_results)
        return True

    writer.commit_exactly_once(write)
    totals = RunTotals(validation_failures=[refused.message])
    totals.record_fetches(marked)
    totals.record_rule_results(refused.rule_results)
    return totals
