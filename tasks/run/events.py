"""Tells whoever listens, on the database or in Prefect, that published tables have changed."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from adbc_driver_postgresql import dbapi as adbc
from prefect.events import emit_event
from prefect.runtime import flow_run

from warehouse.connect import arrow
from warehouse.merge.merge import MergeCounts

CHANNEL = "rotation_published"
EVENT = "rotation.published"
CHANGES = ("new", "changed", "removed")


def notify_table_changed(
    connection: adbc.Connection, table: str, run_id: int, counts: MergeCounts
) -> None:
    """Notifies the channel `rotation_published` in the connection's transaction.

    Who does `listen rotation_published` hears of the commit, never of a transaction that fails;
    the payload is JSON: `table` (the published name), `run_id`, and the numbers of rows `new`,
    `changed`, `same` and `removed`. A transaction that changes nothing is not announced.
    """
    row_counts = asdict(counts)
    if has_changes(row_counts):
        payload = json.dumps({"table": table, "run_id": run_id, **row_counts})
        arrow.read(connection, f"select pg_notify('{CHANNEL}', '{payload}')::text as sent")


def emit_table_changed_events(run_id: int, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Emits Prefect's event `rotation.published` for each table that a run changed.

    At the run's end, so that a table of many batches is one event. The resource is
    `rotation.table.<table>`; the payload has what the notification has, over the whole run. A run
    that was killed emits none: who must miss nothing listens on the database. Outside of Prefect
    nothing happens.

    Args:
        run_id: The run.
        counts: Table to what became of its rows, by name.
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
    """Whether rows are not as they were before."""
    return any(numbers.get(name) for name in CHANGES)
