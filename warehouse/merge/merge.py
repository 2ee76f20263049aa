"""Merge a frame into its table and move superseded rows to history.

All statements run in the transaction of the given connection, so the caller decides what is
committed together. Concurrent merges into one table wait for one another.

A batch that only inserts and updates is first split in memory: new rows are copied straight into
the table. Rows that are not equal to the stored ones to the bit, and batches that replace stored
rows as a whole, are staged and compared in SQL.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column, Contract
from warehouse.connect import arrow
from warehouse.merge.counts import MergeCounts
from warehouse.merge.resolve_tickers import resolve_by_company
from warehouse.merge.split_batch import split_batch
from warehouse.merge.staged_batch import merge_staged

# Planner settings of a merge. Rows of a batch are neighbours in the table, so looking up their keys
# reads few pages: at the default cost every batch scanned all rows stored before it. And a sample
# of 3,000 rows per temporary table is enough to plan a join.
PLANNER_SETTINGS = {"random_page_cost": 1.1, "default_statistics_target": 10}
TICKER = Column("ticker", "text", "symbol in Yahoo's spelling")


def lock_tables(connection: adbc.Connection, contracts: Sequence[Contract]) -> str:
    """Lock the tables of contracts against other writers; readers do not wait.

    Returns:
        The time to store as `loaded_at` in all rows of the transaction. It is read after all
        locks are granted, so the periods of a key's versions never overlap, and tables written
        together change at the same time. The commit follows later.
    """
    for setting, value in PLANNER_SETTINGS.items():
        arrow.execute(connection, f"set local {setting} = {value}")
    names = {contract.qualified_name for contract in contracts}
    if any("instrument_id" in contract.key for contract in contracts):
        names.add("core.ticker")
    for contract in contracts:
        names.update(contract.also_locked)
    # sorted, so that two transactions cannot deadlock
    for name in sorted(names):
        # a table lock, not an advisory lock: the reader role could take an advisory lock, too
        arrow.execute(connection, f"lock table {name} in share row exclusive mode")
    loaded_at: str = arrow.read(connection, "select clock_timestamp()::text as now")["now"][0]
    return loaded_at


def merge(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
    loaded_at: str,
    replace_where: str | None = None,
) -> MergeCounts:
    """Merge a frame into the contract's table.

    Superseded rows go to the history table with `loaded_at` and the run. For core tables,
    `audit.change` records the first date that derived tables must recompute. The temporary table
    `changed_<table>` has what changed (instruments, say) with these dates until the next merge.

    Args:
        connection: A connection of the loader, after `lock_tables`.
        contract: The table's contract.
        frame: One row per key, with the contract's `input_columns`.
        run_id: The run that loads.
        loaded_at: The time that `lock_tables` returned.
        replace_where: For derived tables: the predicate that `Contract.replace_where` is for core
            tables.

    Raises:
        ValueError: the frame lacks a column or has a value that its type cannot store.
    """
    stamp = (loaded_at, run_id)
    condition = replace_where or contract.replace_where
    batch = _to_frame(contract, frame)
    if "instrument_id" in contract.key and "ticker" not in contract.column_names:
        batch = resolve_by_company(connection, contract, batch, run_id, loaded_at)
    if condition is None:
        new, differing = split_batch(connection, contract, batch)
        _append(connection, contract, new, stamp)
        counts = MergeCounts(new=len(new), same=len(batch) - len(new) - len(differing))
        written_rows = [new]
        if len(differing):
            staged_counts, changed = merge_staged(connection, contract, differing, stamp, None)
            counts, written_rows = counts.plus(staged_counts), [new, *changed]
    else:
        counts, written_rows = merge_staged(connection, contract, batch, stamp, condition)
    if counts.new or counts.changed:
        target = (contract.qualified_name,)
        arrow.execute(connection, "select history.analyze_grown($1::text::regclass)", target)
    arrow.execute(
        connection,
        """
        insert into audit.load
            (loaded_at, run_id, table_name, rows_new, rows_changed, rows_same, rows_removed)
        values ($1::timestamptz, $2, $3, $4, $5, $6, $7)
        """,
        (
            *(loaded_at, run_id, contract.qualified_name),
            *(counts.new, counts.changed, counts.same, counts.removed),
        ),
    )
    if contract.dirty_from is not None:
        _record_changes(connection, contract, contract.dirty_from, run_id, written_rows)
    return counts


def _to_frame(contract: Contract, frame: pd.DataFrame | pl.DataFrame) -> pl.DataFrame:
    """Return the frame's input columns in the types of the database."""
    columns_by_name = {
        column.name: column for column in (*contract.columns, *contract.comparison_columns)
    }
    columns = [columns_by_name.get(name, TICKER) for name in contract.input_columns]
    return pl.DataFrame(arrow.to_arrow(frame, columns))


def _append(
    connection: adbc.Connection, contract: Contract, new: pl.DataFrame, stamp: tuple[str, int]
) -> None:
    """Copy new rows into the table; `stamp` is `loaded_at` and the run's id."""
    loaded_at, run_id = stamp
    rows = new.select(
        *contract.column_names,
        pl.lit(datetime.fromisoformat(loaded_at).astimezone(UTC)).alias("loaded_at"),
        pl.lit(run_id, pl.Int64).alias("run_id"),
    )
    arrow.append(connection, contract.schema, contract.table, rows.to_arrow())


def _record_changes(
    connection: adbc.Connection,
    contract: Contract,
    dirty_from: pl.Expr,
    run_id: int,
    written_rows: Sequence[pl.DataFrame],
) -> None:
    """Add a row to `audit.change` per changed instrument, or other first part of the key."""
    is_by_instrument = "instrument_id" in contract.key
    subject = "instrument_id" if is_by_instrument else contract.key[0]
    changes = (
        pl.concat([rows.select(contract.column_names) for rows in written_rows])
        .group_by(subject)
        .agg(dirty_from.alias("from_date"))
    )
    staged = f"changed_{contract.table}"
    arrow.stage(connection, staged, changes.to_arrow())
    if changes.is_empty():
        return
    columns = "instrument_id, null" if is_by_instrument else f"null::integer, {subject}::text"
    arrow.execute(
        connection,
        f"""
        insert into audit.change (table_name, instrument_id, item, from_date, run_id)
        select $1, {columns}, from_date, $2 from {staged}
        """,
        (contract.table, run_id),
    )
