"""One transaction of a run that outlives a lost connection: it takes place once, or not at all."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

from adbc_driver_postgresql import dbapi as adbc

from tasks.run.context import RunContext
from tasks.run.lock import RunLockLost
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.errors import is_connection_error

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 4
BACKOFF_SECONDS = 0.5


def commit_exactly_once(run: RunContext, fn: Callable[[adbc.Connection], T | None]) -> T | None:
    """Does some work in one transaction of a run and commits it.

    Where the connection is lost, it waits for the server and does all of it again. A commit that
    got no answer may have taken place: the batch's own row tells, and it is not done twice.

    Args:
        run: The run. A run that was taken for dead has no right to write any more.
        fn: Writes over the connection and returns what it did; None: nothing that should stay.

    Raises:
        TurnLost: when another run of the flow took over meanwhile.
        adbc_driver_manager.Error: when the database refuses a row, or stays away: nothing of the
            work is there then.
    """
    batch, result = uuid4(), None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if run.lock is not None:
                run.lock.ensure_held()
            with adbc_connection(run.settings) as connection:
                if not _insert_batch_marker(connection, batch, run.run_id):
                    return result
                result = fn(connection)
                if result is not None:
                    connection.commit()
            return result
        except Exception as error:
            if attempt == ATTEMPTS or not is_connection_error(error):
                raise
            logger.warning("The connection to the warehouse was lost; once more from its start.")
        time.sleep(BACKOFF_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _insert_batch_marker(connection: adbc.Connection, batch: UUID, run_id: int) -> bool:
    """Notes the batch in its own transaction; False where it was committed before."""
    # an earlier attempt that the server has not given up yet is waited for: the key is the same
    entered = arrow.read(
        connection,
        f"""
        insert into audit.batch (batch_id, run_id)
        select '{batch}', run_id from audit.run where run_id = {run_id} and state = 'running'
        -- whoever would take the run for dead sees by this lock that it lives
        for share
        on conflict do nothing
        returning batch_id::text
        """,
    )
    if entered.height:
        return True
    held = f"select batch_id::text from audit.batch where batch_id = '{batch}'"
    if arrow.read(connection, held).height:
        return False
    raise RunLockLost(
        f"Run {run_id} was cut off from the warehouse and taken for dead: it writes no more. What "
        "it had loaded is kept, and the next run brings the rest."
    )
