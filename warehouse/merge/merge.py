"""Merge a frame into its table and move superseded rows to history.

All statements run in the transaction of the given connection, so the caller decides what is
committed together. Concurrent merges into one table wait for one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column, Contract
from warehouse.connect import arrow
from warehouse.merge.resolve_tickers import resolve

# Planner settings of a merge. Rows of a batch are neighbours in the table, so looking up their keys
# reads few pages: at the default cost every batch scanned all rows stored before it. And a sample
# of 3,000 rows per temporary table is enough to plan a join.
PLANNER_SETTINGS = {"random_page_cost": 1.1, "default_statistics_target": 10}
TICKER = Column("ticker", "text", "symbol in Yahoo's spelling")


@dataclass(frozen=True)
class MergeCounts:
    """Numbers of rows by the result of comparing a batch with the stored rows."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0


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
    `audit.change` records the first date that derived tables must recompute. Three temporary
    tables stay readable until the transaction ends: `upsert_<table>` (rows written),
    `delete_<table>` (rows withdrawn) and `before_<table>` (changed rows in their former version).

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
    table, key, target = contract.table, contract.key, contract.qualified_name
    source = _stage(connection, contract, frame, run_id, loaded_at)
    condition = replace_where or (contract.replace_where or "false").format(staged=source)
    on = " and ".join(f"old.{name} = new.{name}" for name in key)
    same = " and ".join(_same(column) for column in contract.columns if column.name not in key)
    compared = {
        f"upsert_{table}": f"""
            select new.*, old.{key[0]} is null as is_new
            from {source} as new
            left join {target} as old on {on}
            where old.{key[0]} is null or not ({same})
        """,
        f"delete_{table}": f"""
            select old.* from {target} as old
            where ({condition}) and not exists (select from {source} as new where {on})
        """,
        f"before_{table}": f"""
            select old.* from {target} as old
            join upsert_{table} as new on {on} where not is_new
        """,
    }
    for name, query in compared.items():
        arrow.create_temporary(connection, name, query)
    _write(connection, contract, on, (loaded_at, run_id))
    counts = _count(connection, table, source)
    arrow.execute(
        connection,
        """
        insert into audit.load
            (loaded_at, run_id, table_name, rows_new, rows_changed, rows_same, rows_removed)
        values ($1::timestamptz, $2, $3, $4, $5, $6, $7)
        """,
        (loaded_at, run_id, target, counts.new, counts.changed, counts.same, counts.removed),
    )
    if contract.dirty_from is not None:
        _record_changes(connection, contract, run_id)
    return counts


def _write(
    connection: adbc.Connection, contract: Contract, on: str, stamp: tuple[str, int]
) -> None:
    """Write the compared rows and the history; `stamp` is `loaded_at` and the run's id."""
    table, target = contract.table, contract.qualified_name
    names = ", ".join(contract.column_names)
    values = ", ".join(
        f"{name} = new.{name}" for name in contract.column_names if name not in contract.key
    )
    archive = f"""
        insert into history.{table} ({names}, loaded_at, run_id, superseded_at, superseded_by)
        select {names}, loaded_at, run_id, $1::timestamptz, $2 from
    """
    arrow.execute(connection, f"{archive} delete_{table}", stamp)
    arrow.execute(connection, f"delete from {target} as old using delete_{table} as new where {on}")
    arrow.execute(connection, f"{archive} before_{table}", stamp)
    for statement in (
        f"""
        update {target} as old set {values}, loaded_at = $1::timestamptz, run_id = $2
        from upsert_{table} as new where {on} and not new.is_new
        """,
        f"""
        insert into {target} ({names}, loaded_at, run_id)
        select {names}, $1::timestamptz, $2 from upsert_{table} where is_new
        """,
    ):
        arrow.execute(connection, statement, stamp)
    arrow.execute(connection, "select history.analyze_grown($1::text::regclass)", (target,))


def _stage(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
    loaded_at: str,
) -> str:
    """Stage the frame; return the SQL relation of its rows with the warehouse's own keys."""
    columns_by_name = {
        column.name: column for column in (*contract.columns, *contract.extra_staged_columns)
    }
    columns = [columns_by_name.get(name, TICKER) for name in contract.input_columns]
    incoming = f"incoming_{contract.table}"
    arrow.stage(connection, incoming, arrow.to_arrow(frame, columns))
    if "instrument_id" not in contract.key:
        return incoming
    return resolve(connection, contract, incoming, run_id, loaded_at)


def _same(column: Column) -> str:
    equal = f"new.{column.name} is not distinct from old.{column.name}"
    return f"coalesce({column.equal_when}, {equal})" if column.equal_when else equal


def _count(connection: adbc.Connection, table: str, source: str) -> MergeCounts:
    counted = arrow.read(
        connection,
        f"""
        select
            (select count(*) from {source}) as staged,
            (select count(*) from upsert_{table} where is_new) as new,
            (select count(*) from upsert_{table} where not is_new) as changed,
            (select count(*) from delete_{table}) as removed
        """,
    ).row(0, named=True)
    new, changed = int(counted["new"]), int(counted["changed"])
    same = int(counted["staged"]) - new - changed
    return MergeCounts(new, changed, same, int(counted["removed"]))


def _record_changes(connection: adbc.Connection, contract: Contract, run_id: int) -> None:
    """Add a row to `audit.change` per changed instrument, or other first part of the key."""
    if "instrument_id" in contract.key:
        columns, group = "instrument_id, null", "instrument_id"
    else:
        columns, group = f"null::integer, {contract.key[0]}::text", contract.key[0]
    names = ", ".join(contract.column_names)
    arrow.execute(
        connection,
        f"""
        insert into audit.change (table_name, instrument_id, item, from_date, run_id)
        select $1, {columns}, {contract.dirty_from}, $2
        from (
            select {names} from upsert_{contract.table}
            union all
            select {names} from delete_{contract.table}
            union all
            -- a date outside the key may have moved to an earlier or a later day
            select {names} from before_{contract.table}
        ) as changed
        group by {group}
        """,
        (contract.table, run_id),
    )
