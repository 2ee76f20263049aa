"""Brings a table up to a frame: stage, compare, insert what is new, move what changed to history.

Everything happens in the transaction of the given connection, so a caller decides what stands or
falls together. Two processes that merge into one table at once take turns.
"""

from dataclasses import dataclass

import pandas as pd
import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column, Contract
from warehouse import arrow
from warehouse.instruments import resolve

TICKER = Column("ticker", "text", "symbol in Yahoo's spelling")


@dataclass(frozen=True)
class Counts:
    """What the comparison with the held rows gave: numbers of rows."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0


def merge(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
    replaced: str | None = None,
) -> Counts:
    """Merges a frame into the contract's table.

    Superseded rows go to the history twin with the instant and the run. For core tables,
    `audit.change` says from which date on derived tables must follow. The rows that were written
    stay readable as the temporary table `delta_<table>` until the transaction ends.

    Args:
        connection: Of the loader.
        contract: The table's contract.
        frame: One row per key, with the contract's `frame_columns`.
        run_id: The run that loads.
        replaced: For derived tables: an SQL condition on `old`, the held rows that the frame
            stands for as a whole; those that it lacks are withdrawn.

    Raises:
        ValueError: when the frame lacks a column or holds what its type can't.
    """
    table, key = contract.table, contract.key
    if "instrument_id" in key:
        # Always first: a load of bars that reveals a rename takes the lock of the memberships, too.
        lock(connection, "core.ticker")
    lock(connection, contract.qualified)
    source = _stage(connection, contract, frame, run_id)
    on = " and ".join(f"old.{name} = new.{name}" for name in key)
    same = " and ".join(_same(column) for column in contract.columns if column.name not in key)
    # read under the lock, so that the periods of one key's versions never overlap
    now = arrow.read(connection, "select clock_timestamp()::text as now")["now"][0]
    arrow.execute(
        connection,
        f"""
        create temporary table delta_{table} on commit drop as
        select new.*, old.{key[0]} is null as is_new
        from {source} as new
        left join {contract.qualified} as old on {on}
        where old.{key[0]} is null or not ({same})
        """,
    )
    removed = 0
    if replaced is not None:
        gone = f"({replaced}) and not exists (select from {source} as new where {on})"
        removed = _supersede(connection, contract, f"where {gone}", run_id, now)
        arrow.execute(connection, f"delete from {contract.qualified} as old where {gone}")
    counts = Counts(removed=removed, **_count(connection, table, frame.shape[0]))
    _supersede(
        connection, contract, f"join delta_{table} as new on {on} where not is_new", run_id, now
    )
    names = ", ".join(contract.column_names)
    values = ", ".join(f"{name} = new.{name}" for name in contract.column_names if name not in key)
    arrow.execute(
        connection,
        f"""
        update {contract.qualified} as old set {values}, loaded_at = '{now}', run_id = {run_id}
        from delta_{table} as new where {on} and not new.is_new
        """,
    )
    arrow.execute(
        connection,
        f"""
        insert into {contract.qualified} ({names}, loaded_at, run_id)
        select {names}, '{now}', {run_id} from delta_{table} where is_new
        """,
    )
    arrow.execute(
        connection,
        f"""
        insert into audit.load
            (run_id, table_name, rows_new, rows_changed, rows_same, rows_removed, loaded_at)
        values ({run_id}, '{contract.qualified}', {counts.new}, {counts.changed}, {counts.same},
            {counts.removed}, '{now}')
        """,
    )
    if contract.change_from is not None:
        _note_changes(connection, contract, run_id)
    return counts


def lock(connection: adbc.Connection, name: str) -> None:
    """Waits for the named lock and holds it until the transaction ends."""
    arrow.read(connection, f"select pg_advisory_xact_lock(hashtext('{name}'))::text as held")


def _stage(
    connection: adbc.Connection,
    contract: Contract,
    frame: pd.DataFrame | pl.DataFrame,
    run_id: int,
) -> str:
    """Stages the frame; returns the SQL relation of its rows under the warehouse's own keys."""
    known = {column.name: column for column in (*contract.columns, *contract.staged_columns)}
    columns = [known.get(name, TICKER) for name in contract.frame_columns]
    incoming = f"incoming_{contract.table}"
    arrow.stage(connection, incoming, arrow.to_arrow(frame, columns))
    if "instrument_id" not in contract.key:
        return incoming
    return resolve(connection, contract, incoming, run_id)


def _same(column: Column) -> str:
    equal = f"new.{column.name} is not distinct from old.{column.name}"
    return f"coalesce({column.same_if}, {equal})" if column.same_if else equal


def _supersede(
    connection: adbc.Connection, contract: Contract, which: str, run_id: int, now: str
) -> int:
    """Copies held rows (`old`) to the history twin; returns how many."""
    names = ", ".join(f"old.{name}" for name in (*contract.column_names, "loaded_at", "run_id"))
    into = names.replace("old.", "")
    moved = arrow.read(
        connection, f"select count(*) as rows from {contract.qualified} as old {which}"
    )["rows"][0]
    arrow.execute(
        connection,
        f"""
        insert into history.{contract.table} ({into}, superseded_at, superseded_by)
        select {names}, '{now}', {run_id} from {contract.qualified} as old {which}
        """,
    )
    return int(moved)


def _count(connection: adbc.Connection, table: str, staged: int) -> dict[str, int]:
    counted = arrow.read(
        connection,
        f"select count(*) filter (where is_new) as new, count(*) as all from delta_{table}",
    ).row(0, named=True)
    new, changed = int(counted["new"]), int(counted["all"]) - int(counted["new"])
    return {"new": new, "changed": changed, "same": staged - new - changed}


def _note_changes(connection: adbc.Connection, contract: Contract, run_id: int) -> None:
    """One row of `audit.change` per instrument, or other first part of the key, that changed."""
    if "instrument_id" in contract.key:
        who, group = "instrument_id, null", "instrument_id"
    else:
        who, group = f"null::integer, {contract.key[0]}", contract.key[0]
    arrow.execute(
        connection,
        f"""
        insert into audit.change (table_name, instrument_id, item, from_date, run_id)
        select '{contract.table}', {who}, {contract.change_from}, {run_id}
        from delta_{contract.table} group by {group}
        """,
    )
