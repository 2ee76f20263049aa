"""Run a transaction exactly once, retrying after a lost connection."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

from adbc_driver_postgresql import dbapi as adbc

from tasks.run.lock import RunLockLost
from tasks.run.log import run_logger
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.errors import is_connection_error
from warehouse.settings import Settings

T = TypeVar("T")

ATTEMPTS = 4
BACKOFF_SECONDS = 0.5


@dataclass(frozen=True)
class RunWriter:
    """Write access of one run to the warehouse.

    Attributes:
        run_id: The run's number in `audit.run`.
        settings: Of the run.
        ensure_lock_held: Makes sure that the run still holds its lock, or raises RunLockLost.
    """

    run_id: int
    settings: Settings
    ensure_lock_held: Callable[[], None]

    def commit_exactly_once(self, fn: Callable[[adbc.Connection], T | None]) -> T | None:
        """Call a function in one transaction and commit it exactly once.

        After a lost connection the whole transaction is retried. If the connection drops during
        COMMIT, the batch marker row shows whether it was committed.

        Args:
            fn: Writes over the connection and returns its result; None: nothing to commit.

        Raises:
            RunLockLost: Another run took over meanwhile, or marked this one as crashed.
            adbc_driver_manager.Error: The database rejects a row or stays down; nothing of the
                transaction is stored then.
        """
        batch_id, result = uuid4(), None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.ensure_lock_held()
                with adbc_connection(self.settings) as connection:
                    if not self._insert_batch_marker(connection, batch_id):
                        return result
                    result = fn(connection)
                    if result is not None:
                        connection.commit()
                return result
            except Exception as error:
                if attempt == ATTEMPTS or not is_connection_error(error):
                    raise
                run_logger().warning("Database connection lost; retrying the transaction.")
            time.sleep(BACKOFF_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _insert_batch_marker(self, connection: adbc.Connection, batch_id: UUID) -> bool:
        """Insert the batch's marker row; return False if it was committed before."""
        # the unique key makes this wait for an earlier attempt that is still open on the server
        inserted = arrow.read(
            connection,
            """
            insert into audit.batch (batch_id, run_id)
            select $1::uuid, run_id from audit.run where run_id = $2::bigint and state = 'running'
            -- this row lock keeps others from marking the run as crashed
            for share
            on conflict do nothing
            returning batch_id::text
            """,
            (str(batch_id), self.run_id),
        )
        if inserted.height:
            return True
        committed = arrow.read(
            connection,
            "select batch_id::text from audit.batch where batch_id = $1::uuid",
            (str(batch_id),),
        )
        if committed.height:
            return False
        raise RunLockLost(
            f"Run {self.run_id} lost its lock after a disconnect and was marked as crashed; it"
            " stops writing. Committed batches are kept; the next run loads the rest."
        )
