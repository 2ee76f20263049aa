"""Notify listeners, on the database and in Prefect, of changed published tables."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from adbc_driver_postgresql import dbapi as adbc
from prefect.events import emit_event
from prefect.runtime import flow_run

from warehouse.connect import arrow
from warehouse.merge.counts import MergeCounts

CHANNEL = "rotation_published"
EVENT = "rotation.published"
CHANGES = ("new", "changed", "removed")


def notify_table_changed(
    connection: adbc.Connection, table: str, run_id: int, counts: MergeCounts
) -> None:
    """Notify the channel `rotation_published` in the connection's transaction.

    Listeners get it after the commit, never for a transaction that fails or changes nothing. The
    payload is JSON: `table` (the published name), `run_id`, and the numbers of rows `new`,
    `changed`, `same` and `removed`.
    """
    row_counts = asdict(counts)
    if has_changes(row_counts):
        payload = json.dumps({"table": table, "run_id": run_id, **row_counts})
        arrow.read(connection, "select pg_notify($1, $2)::text as sent", (CHANNEL, payload))


def emit_table_changed_events(run_id: int, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Emit Prefect's event `rotation.published` for each table that a run changed.

    At the run's end, so that a table of many batches is one event. The resource is
    `rotation.table.<table>`; the payload has the notification's fields, over the whole run. A run
    that is killed emits none: listen on the database to miss nothing. Outside of Prefect nothing
    happens.

    Args:
        run_id: The run.
        counts: Table to its numbers of rows, by name.
    """
    if flow_run.id is None:
        return
    for table, numbers in counts.items():
        if has_changes(numbers):
            emit_event(
                event=EVENT,
                resource={"prefect.resource.id": f"rotation.table.{table}"},
                payload={"table": table, "run_id": run_id, **numbers},
            )


def has_changes(numbers: Mapping[str, int]) -> bool:
    """Return whether any row is new, changed or deleted."""
    return any(numbers.get(name) for name in CHANGES)
