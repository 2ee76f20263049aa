"""Write the audit rows of a batch: fetches, validation results and quarantined rows."""

import pandas as pd
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column
from warehouse.connect import arrow


def _columns(**sql_types: str) -> tuple[Column, ...]:
    # units and meanings are documented where the tables are created
    return tuple(Column(name, sql_type, "") for name, sql_type in sql_types.items())


FETCH = _columns(
    source="text",
    dataset="text",
    item="text",
    window_start="date",
    window_end="date",
    status="text",
    reason="text",
    detail="text",
    rows="bigint",
    attempts="integer",
    started_at="timestamp with time zone",
    finished_at="timestamp with time zone",
)
QUARANTINE = _columns(table_name="text", key="jsonb", rule="text", reason="text", row="jsonb")
VALIDATION = _columns(
    table_name="text",
    rule="text",
    action="text",
    expectation="text",
    success="boolean",
    evaluated="bigint",
    unexpected="bigint",
    detail="text",
)


def insert_fetches(connection: adbc.Connection, run_id: int, fetches: pd.DataFrame) -> None:
    """Insert rows of the fetch log, in the connection's transaction."""
    _insert(connection, run_id, "fetch", FETCH, fetches)


def insert_validation_results(
    connection: adbc.Connection, run_id: int, results: pd.DataFrame
) -> None:
    """Insert one row per validation rule, in the connection's transaction."""
    _insert(connection, run_id, "validation", VALIDATION, results)


def upsert_quarantine(connection: adbc.Connection, run_id: int, rows: pd.DataFrame) -> None:
    """Insert quarantined rows; a row quarantined before only gets a new last run.

    The rows stay readable as the temporary table `new_quarantine`.
    """
    arrow.stage(connection, "new_quarantine", arrow.to_arrow(rows, QUARANTINE))
    arrow.execute(
        connection,
        """
        insert into audit.quarantine
            (run_id, last_run_id, table_name, key, rule, reason, row)
        select distinct $1::bigint, $1::bigint, table_name, key::jsonb, rule, reason, row::jsonb
        from new_quarantine
        on conflict (table_name, rule, key, row_hash) do update
        set last_run_id = excluded.run_id, last_seen_at = clock_timestamp()
        """,
        (run_id,),
    )


def _insert(
    connection: adbc.Connection,
    run_id: int,
    table: str,
    columns: tuple[Column, ...],
    frame: pd.DataFrame,
) -> None:
    if frame.empty:
        return
    arrow.stage(connection, f"new_{table}", arrow.to_arrow(frame, columns))
    names = ", ".join(column.name for column in columns)
    arrow.execute(
        connection,
        f"insert into audit.{table} (run_id, {names}) select $1::bigint, {names} from new_{table}",
        (run_id,),
    )
