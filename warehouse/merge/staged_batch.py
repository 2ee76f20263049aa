"""Compare a staged batch with the stored rows in SQL, and write it with history."""

from collections.abc import Sequence

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column, Contract
from warehouse.connect import arrow
from warehouse.merge.counts import MergeCounts
from warehouse.merge.resolve_tickers import resolve_by_day


def merge_staged(
    connection: adbc.Connection,
    contract: Contract,
    batch: pl.DataFrame,
    stamp: tuple[str, int],
    replace_where: str | None,
) -> tuple[MergeCounts, list[pl.DataFrame]]:
    """Stage a batch, compare it with the stored rows in SQL and write it.

    Args:
        connection: A connection of the loader, after `merge.lock_tables`.
        contract: The table's contract.
        batch: The rows, in the database's types.
        stamp: `loaded_at` and the run's id.
        replace_where: SQL on `old`: stored rows that the batch replaces, where `{staged}` is the
            relation of the batch's rows; None: there are none.

    Returns:
        The counts, and for a core table the rows that were written or withdrawn, with their former
        versions.
    """
    table, key, target = contract.table, contract.key, contract.qualified_name
    loaded_at, run_id = stamp
    source = f"incoming_{table}"
    arrow.stage(connection, source, batch.to_arrow())
    if "instrument_id" in key and "ticker" in contract.column_names:
        source = resolve_by_day(connection, contract, source, run_id, loaded_at)
    on = " and ".join(f"old.{name} = new.{name}" for name in key)
    same = " and ".join(_same(column) for column in contract.columns if column.name not in key)
    queries = {
        f"upsert_{table}": f"""
            select new.*, old.{key[0]} is null as is_new
            from {source} as new
            left join {target} as old on {on}
            where old.{key[0]} is null or not ({same})
        """
    }
    if replace_where is not None:
        queries[f"delete_{table}"] = f"""
            select old.* from {target} as old
            where ({replace_where.format(staged=source)})
                and not exists (select from {source} as new where {on})
        """
    for name, query in queries.items():
        arrow.create_temporary(connection, name, query)
    counts = _count(connection, table, source, [*queries])
    relations = [*queries]
    if counts.changed:
        relations.append(f"before_{table}")
        before = f"""
            select old.* from {target} as old
            join upsert_{table} as new on {on} where not is_new
        """
        arrow.create_temporary(connection, relations[-1], before)
    _write_compared(connection, contract, on, counts, stamp)
    if contract.dirty_from is None:
        return counts, []
    # former versions, too: a date outside the key may have moved to an earlier or a later day
    names = ", ".join(contract.column_names)
    return counts, [arrow.read(connection, f"select {names} from {name}") for name in relations]


def _same(column: Column) -> str:
    equal = f"new.{column.name} is not distinct from old.{column.name}"
    return f"coalesce({column.equal_when}, {equal})" if column.equal_when else equal


def _count(
    connection: adbc.Connection, table: str, source: str, relations: Sequence[str]
) -> MergeCounts:
    removed = f"(select count(*) from delete_{table})" if f"delete_{table}" in relations else "0"
    staged, new, changed, removed_rows = arrow.read(
        connection,
        f"""
        select
            (select count(*) from {source}) as staged,
            (select count(*) from upsert_{table} where is_new) as new,
            (select count(*) from upsert_{table} where not is_new) as changed,
            {removed}::bigint as removed
        """,
    ).row(0)
    return MergeCounts(new, changed, staged - new - changed, removed_rows)


def _write_compared(
    connection: adbc.Connection,
    contract: Contract,
    on: str,
    counts: MergeCounts,
    stamp: tuple[str, int],
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
    if counts.removed:
        arrow.execute(connection, f"{archive} delete_{table}", stamp)
        arrow.execute(
            connection, f"delete from {target} as old using delete_{table} as new where {on}"
        )
    if counts.changed:
        arrow.execute(connection, f"{archive} before_{table}", stamp)
        update = f"""
            update {target} as old set {values}, loaded_at = $1::timestamptz, run_id = $2
            from upsert_{table} as new where {on} and not new.is_new
        """
        arrow.execute(connection, update, stamp)
    if counts.new:
        insert = f"""
            insert into {target} ({names}, loaded_at, run_id)
            select {names}, $1::timestamptz, $2 from upsert_{table} where is_new
        """
        arrow.execute(connection, insert, stamp)
