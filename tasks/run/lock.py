"""Whose turn it is, and who is alive: both are locks of a session, so that no death leaves them.

A run holds two advisory locks on a connection of its own, from its first statement to its end: one
of its flow, so that runs of one flow take turns from whatever machine, and one of its number, by
which everyone sees that it lives. Process numbers would not tell: they are given again, and those
of another machine say nothing here.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg
from prefect.runtime import flow_run
from psycopg import Connection, errors

from warehouse.base_error import RotationError
from warehouse.connect.connections import cancel_bulk_statements, open_autocommit_connection
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

# any constant does: the first half of the locks by which a run of a number is seen to live
LIVENESS_LOCK_CLASS = 7_203_115
# the server needs a moment to see that the connection before is gone, with its locks
REACQUIRE_TIMEOUT_SECONDS = 10


class RunLockLost(RotationError):
    """Another run took over while this one was cut off from the warehouse."""


class RunLock:
    """A turn and the run that has it, on a connection that is used for nothing else.

    Attributes:
        run_id: The run's number in `audit.run`; 0 before it entered.
    """

    def __init__(self, lock_name: str, settings: Settings) -> None:
        """Waits for the turn.

        Args:
            lock_name: Runs that name the same take turns.
            settings: Of the run.
        """
        self.run_id = 0
        self._key = f"run {lock_name}"
        self._settings = settings
        self._connection = open_autocommit_connection(settings)
        got = self._connection.execute("select pg_try_advisory_lock(hashtext(%s))", (self._key,))
        if got.fetchone() != (True,):
            logger.info("%s: another run is under way; this one waits for its end", lock_name)
            self._connection.execute("select pg_advisory_lock(hashtext(%s))", (self._key,))

    def register_run(self, flow: str, clock_at: datetime) -> int:
        """Enters the run in `audit.run`, and gives it the lock by which it is seen to live.

        Args:
            flow: Its name.
            clock_at: The instant that counts as now in it.

        Returns:
            Its number.
        """
        mark_crashed_runs(self._connection)
        # in one transaction: nobody sees the run without its sign of life
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
        """Makes sure that the turn is still held, and takes it again where the connection was lost.

        Raises:
            TurnLost: when another run has the turn by now.
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
                f"{self.run_id} ends here. What it had loaded is kept; the next brings the rest."
            ) from None
        self._connection.execute(
            "select pg_advisory_lock(%s, %s)", (LIVENESS_LOCK_CLASS, self.run_id)
        )
        # someone may have taken it for dead meanwhile
        self._connection.execute(
            "update audit.run set state = 'running', ended_at = null"
            " where run_id = %s and state = 'crashed'",
            (self.run_id,),
        )

    def release(self) -> None:
        """Gives the turn to whoever waits for it."""
        self._connection.close()


@contextmanager
def acquire_run_lock(whose: str, settings: Settings) -> Iterator[RunLock]:
    """Waits for a turn and holds it; its locks fall with the process, however it ends."""
    turn = RunLock(whose, settings)
    try:
        yield turn
    finally:
        turn.release()


def mark_crashed_runs(connection: Connection) -> int:
    """Marks the runs that no session stands for any more, of whatever machine.

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
            -- one that is committing a batch at this moment lives, cut off as it may be
            for update skip locked
        )
        """,
        (LIVENESS_LOCK_CLASS,),
    ).rowcount


@contextmanager
def cancel_queries_on_signal(settings: Settings) -> Iterator[None]:
    """Lets a signal end a bulk statement that is under way.

    While one is, the driver does not come back to Python, where the signal would be heeded: a
    cancelled run would go on until its statement is done, or until it is killed. So a thread hears
    the signal, too, and asks the server to end the statement.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Polars, when it is imported, has the kernel go on with what Ctrl-C interrupts: a thread that
    # waits for others, and they for a reply, would hear of it when the reply is there
    signal.siginterrupt(signal.SIGINT, True)
    recv_sock, send_sock = socket.socketpair()
    send_sock.setblocking(False)
    before = signal.set_wakeup_fd(send_sock.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while signal_byte := recv_sock.recv(1):
            if signal_byte[0] in (signal.SIGTERM, signal.SIGINT):
                with suppress(psycopg.Error, EmbeddedServerError):
                    cancel_bulk_statements(settings)

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        send_sock.close()
        thread.join()
        recv_sock.close()
