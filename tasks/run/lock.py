"""Run locks and liveness, both as session-level advisory locks.

A run holds two advisory locks on a connection of its own, from start to end. One is named after
its provider or flow, so that such runs exclude each other on all machines. The other carries the
run's number and shows that the run is alive. PostgreSQL releases both when the process dies.
Process numbers would not do: they are reused, and mean nothing on another machine.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg
from prefect.runtime import flow_run
from psycopg import Connection, errors

from tasks.run.log import run_logger
from warehouse.base_error import RotationError
from warehouse.connect.connections import open_autocommit_connection
from warehouse.settings import Settings

# class id of the liveness locks: an arbitrary constant, beside which the run's number stands
LIVENESS_LOCK_CLASS = 7_203_115
# the server needs a moment to notice that the old connection is gone, and to release its locks
REACQUIRE_TIMEOUT_SECONDS = 10


class RunLockLost(RotationError):
    """Another run took over while this one was disconnected from the warehouse."""


class RunLock:
    """The run lock of one run, on a connection used for nothing else.

    Attributes:
        run_id: The run's number in `audit.run`; 0 before it is registered.
    """

    def __init__(self, lock_name: str, settings: Settings) -> None:
        """Wait for the lock and acquire it.

        Args:
            lock_name: Runs with the same name exclude each other.
            settings: Of the run.
        """
        self.run_id = 0
        self._key = f"run {lock_name}"
        self._settings = settings
        self._connection = open_autocommit_connection(settings)
        row = self._connection.execute("select pg_try_advisory_lock(hashtext(%s))", (self._key,))
        if row.fetchone() != (True,):
            run_logger().info("%s: waiting for the run lock held by another run", lock_name)
            self._connection.execute("select pg_advisory_lock(hashtext(%s))", (self._key,))

    def register_run(self, flow: str, clock_at: datetime) -> int:
        """Insert the run into `audit.run` and acquire its liveness lock.

        Args:
            flow: Its name.
            clock_at: Its logical time.

        Returns:
            Its number.
        """
        mark_crashed_runs(self._connection)
        # one transaction, so that the row is never visible without its liveness lock
        with self._connection.transaction():
            row = self._connection.execute(
                """
                insert into audit.run (flow, flow_run_id, process, clock_at)
                values (%s, %s, %s, %s)
                returning run_id
                """,
                (flow, flow_run.id, f"{socket.gethostname()}:{os.getpid()}", clock_at),
            ).fetchone()
            assert row is not None
            self.run_id = int(row[0])
            self._connection.execute(
                "select pg_advisory_lock(%s, %s)", (LIVENESS_LOCK_CLASS, self.run_id)
            )
        return self.run_id

    def ensure_held(self) -> None:
        """Make sure that the lock is held; reacquire it after a lost connection.

        Raises:
            RunLockLost: Another run holds the lock now.
        """
        with suppress(psycopg.OperationalError):
            self._connection.execute("select 1")
            return
        self._connection.close()
        self._connection = open_autocommit_connection(self._settings)
        try:
            self._connection.execute(f"set lock_timeout = '{REACQUIRE_TIMEOUT_SECONDS}s'")
            self._connection.execute("select pg_advisory_lock(hashtext(%s))", (self._key,))
        except errors.LockNotAvailable:
            raise RunLockLost(
                "The connection to the warehouse was lost, and another run has begun since: run "
                f"{self.run_id} ends here. Committed batches are kept; the next run loads the rest."
            ) from None
        self._connection.execute(
            "select pg_advisory_lock(%s, %s)", (LIVENESS_LOCK_CLASS, self.run_id)
        )
        # another run may have marked this one as crashed meanwhile
        self._connection.execute(
            "update audit.run set state = 'running', ended_at = null"
            " where run_id = %s and state = 'crashed'",
            (self.run_id,),
        )

    def release(self) -> None:
        """Release the lock to the next waiting run."""
        self._connection.close()


@contextmanager
def acquire_run_lock(lock_name: str, settings: Settings) -> Iterator[RunLock]:
    """Wait for a run lock, hold it, and release it at the end."""
    lock = RunLock(lock_name, settings)
    try:
        yield lock
    finally:
        lock.release()


def mark_crashed_runs(connection: Connection) -> int:
    """Mark running runs without a liveness lock as crashed, on all machines.

    Returns:
        How many there were.
    """
    return connection.execute(
        """
        update audit.run set state = 'crashed', ended_at = clock_timestamp()
        where run_id in (
            select run_id from audit.run
            where state = 'running' and not exists (
                select from pg_locks
                where locktype = 'advisory' and objsubid = 2 and granted
                    and database = (select oid from pg_database where datname = current_database())
                    and classid = %s and objid::bigint = run_id
            )
            -- a run that is committing a batch right now locks its row: it is alive
            for update skip locked
        )
        """,
        (LIVENESS_LOCK_CLASS,),
    ).rowcount
