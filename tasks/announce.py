"""Tells whoever listens on the database that a published table has changed."""

import json
from dataclasses import asdict

from adbc_driver_postgresql import dbapi as adbc

from warehouse import arrow
from warehouse.merge import Counts

CHANNEL = "rotation_published"


def announce(connection: adbc.Connection, table: str, run_id: int, counts: Counts) -> None:
    """Notifies the channel `rotation_published` in the connection's transaction.

    Who does `listen rotation_published` hears of the commit, never of a transaction that fails;
    the payload is JSON: `table` (the published name), `run_id`, and the numbers of rows `new`,
    `changed`, `same` and `removed`. A transaction that changes nothing is not announced.
    """
    if counts.new or counts.changed or counts.removed:
        payload = json.dumps({"table": table, "run_id": run_id, **asdict(counts)})
        arrow.read(connection, f"select pg_notify('{CHANNEL}', '{payload}')::text as sent")
