"""Brings a table up to a frame: stage, compare, insert what is new, move what changed to history.

Everything happens in the transaction of the given connection, so a caller decides what stands or
falls together. Two processes that merge into one table at once take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column, Contract
from expectations.tables import company_ticker, corporate_action, daily_price, index_membership
from warehouse.connect import arrow
from warehouse.merge.resolve_tickers import resolve

TICKER = Column("ticker", "text", "symbol in Yahoo's spelling")


@dataclass(frozen=True)
class MergeCounts:
    """What the comparison with the held rows gave: numbers of rows."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0


def lock_tables(connection: adbc.Connection, contracts: Sequence[Contract]) -> str:
    """Takes the turn to write these tables; readers are not held up.

    Returns:
        The instant that all rows of the transaction carry, read once all locks are held: the
        periods of a key's versions never overlap, and no instant shows one table before and
        another after. The commit follows it by the time the transaction takes.
    """
    names = {contract.qualified_name for contract in contracts}
    if any("instrument_id" in contract.key for contract in contracts):
        names.add("core.ticker")
    if daily_price.CONTRACT.qualified_name in names:
        # bars may tell of a rename, which moves what was loaded under the new symbol
        names |= {
            each.CONTRACT.qualified_name
            for each in (corporate_action, index_membership, company_ticker)
        }
    # in one order, so that two transactions never wait for one another
    for name in sorted(names):
        # a lock of the table, not an advisory one: those the reader could take, too
        arrow.execute(connection, f"lock table {name} in share row exclusive mode")
    loaded_at: str = arrow.read(connection, "select clock_timestamp()::text as now")["now"][0]
    return loaded_at


def merge(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
    instant: str,
    replaced: str | None = None,
) -> MergeCounts:
    """Merges a frame into the contract's table.

    Superseded rows go to the history twin with the instant and the run. For core tables,
    `audit.change` says from which date on derived tables must follow. The rows that were written
    stay readable as the temporary table `delta_<table>` until the transaction ends, those
    withdrawn as `gone_<table>`, and what changed rows said before as `was_<table>`.

    Args:
        connection: Of the loader, after `begin`.
        contract: The table's contract.
        frame: One row per key, with the contract's `frame_columns`.
        run_id: The run that loads.
        instant: What `begin` returned.
        replaced: For derived tables: what the contract's `replaces` is for core tables.

    Raises:
        ValueError: when the frame lacks a column or holds what its type can't.
    """
    table, key = contract.table, contract.key
    source = _stage(connection, contract, frame, run_id, instant)
    condition = replaced or (contract.replace_where or "false").format(staged=source)
    on = " and ".join(f"old.{name} = new.{name}" for name in key)
    same = " and ".join(_same(column) for column in contract.columns if column.name not in key)
    arrow.execute(
        connection,
        f"""
        create temporary table delta_{table} on commit drop as
        select new.*, old.{key[0]} is null as is_new
        from {source} as new
        left join {contract.qualified_name} as old on {on}
        where old.{key[0]} is null or not ({same})
        """,
    )
    arrow.execute(
        connection,
        f"""
        create temporary table gone_{table} on commit drop as
        select old.* from {contract.qualified_name} as old
        where ({condition}) and not exists (select from {source} as new where {on})
        """,
    )
    arrow.execute(
        connection,
        f"""
        create temporary table was_{table} on commit drop as
        select old.* from {contract.qualified_name} as old
        join delta_{table} as new on {on} where not is_new
        """,
    )
    names = ", ".join(contract.column_names)
    of_twin = f"{names}, loaded_at, run_id, superseded_at, superseded_by"
    of_held = f"{names}, loaded_at, run_id"
    values = ", ".join(f"{name} = new.{name}" for name in contract.column_names if name not in key)
    for statement in (
        f"""
        insert into history.{table} ({of_twin})
        select {of_held}, '{instant}', {run_id} from gone_{table}
        """,
        f"delete from {contract.qualified_name} as old using gone_{table} as new where {on}",
        f"""
        insert into history.{table} ({of_twin})
        select {of_held}, '{instant}', {run_id} from was_{table}
        """,
        f"""
        update {contract.qualified_name} as old set {values}, loaded_at = '{instant}', run_id =
        {run_id}
        from delta_{table} as new where {on} and not new.is_new
        """,
        f"""
        insert into {contract.qualified_name} ({names}, loaded_at, run_id)
        select {names}, '{instant}', {run_id} from delta_{table} where is_new
        """,
    ):
        arrow.execute(connection, statement)
    counts = _count(connection, table, source)
    arrow.execute(
        connection,
        f"""
        insert into audit.load
            (run_id, table_name, rows_new, rows_changed, rows_same, rows_removed, loaded_at)
        values ({run_id}, '{contract.qualified_name}', {counts.new}, {counts.changed},
        {counts.same},
            {counts.removed}, '{instant}')
        """,
    )
    if contract.dirty_from is not None:
        _record_changes(connection, contract, run_id)
    return counts


def _stage(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
    instant: str,
) -> str:
    """Stages the frame; returns the SQL relation of its rows under the warehouse's own keys."""
    known = {column.name: column for column in (*contract.columns, *contract.extra_staged_columns)}
    columns = [known.get(name, TICKER) for name in contract.input_columns]
    incoming = f"incoming_{contract.table}"
    arrow.stage(connection, incoming, arrow.to_arrow(frame, columns))
    if "instrument_id" not in contract.key:
        return incoming
    return resolve(connection, contract, incoming, run_id, instant)


def _same(column: Column) -> str:
    equal = f"new.{column.name} is not distinct from old.{column.name}"
    return f"coalesce({column.equal_when}, {equal})" if column.equal_when else equal


def _count(connection: adbc.Connection, table: str, source: str) -> MergeCounts:
    counted = arrow.read(
        connection,
        f"""
        select
            (select count(*) from {source}) as staged,
            (select count(*) from delta_{table} where is_new) as new,
            (select count(*) from delta_{table} where not is_new) as changed,
            (select count(*) from gone_{table}) as removed
        """,
    ).row(0, named=True)
    new, changed = int(counted["new"]), int(counted["changed"])
    same = int(counted["staged"]) - new - changed
    return MergeCounts(new, changed, same, int(counted["removed"]))


def _record_changes(connection: adbc.Connection, contract: Contract, run_id: int) -> None:
    """One row of `audit.change` per instrument, or other first part of the key, that changed."""
    if "instrument_id" in contract.key:
        who, group = "instrument_id, null", "instrument_id"
    else:
        who, group = f"null::integer, {contract.key[0]}::text", contract.key[0]
    names = ", ".join(contract.column_names)
    arrow.execute(
        connection,
        f"""
        insert into audit.change (table_name, instrument_id, item, from_date, run_id)
        select '{contract.table}', {who}, {contract.dirty_from}, {run_id}
        from (
            select {names} from delta_{contract.table}
            union all
            select {names} from gone_{contract.table}
            union all
            -- a date that is no part of the key may have moved either way
            select {names} from was_{contract.table}
        ) as touched
        group by {group}
        """,
    )
