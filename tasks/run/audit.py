"""Write the audit rows of a batch: fetches, validation results and quarantined rows."""

import pandas as pd
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column
from expectations.tables.audit import audit_columns
from warehouse.connect import arrow

# fmt: off
FETCH = audit_columns(
    "fetch", "source", "dataset", "item", "window_start", "window_end", "status", "reason",
    "detail", "rows", "attempts", "started_at", "finished_at",
)
QUARANTINE = audit_columns("quarantine", "table_name", "key", "rule", "reason", "row")
VALIDATION = audit_columns(
    "validation", "table_name", "rule", "action", "expectation", "success", "evaluated",
    "unexpected", "reason", "detail",
)
# fmt: on


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
    if rows.empty:
        return
    arrow.execute(
        connection,
        """
        insert into audit.quarantine
            (first_run_id, last_run_id, table_name, key, rule, reason, row)
        select distinct $1::bigint, $1::bigint, table_name, key::jsonb, rule, reason, row::jsonb
        from new_quarantine
        on conflict (table_name, rule, key, row_hash) do update
        set last_run_id = excluded.last_run_id, last_seen_at = clock_timestamp()
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
