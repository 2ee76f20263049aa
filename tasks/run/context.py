"""Context of a run: open it in `audit.run` under its run lock, close it with its state."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
from prefect.exceptions import TerminationSignal
from psycopg import Connection

from tasks.run.artifact import publish_run_artifact, suppress_engine_tracebacks
from tasks.run.clock import now
from tasks.run.events import emit_table_changed_events
from tasks.run.lock import RunLock, RunLockLost, acquire_run_lock
from tasks.run.log import run_logger
from tasks.run.signals import cancel_queries_on_signal
from tasks.run.task_runner import TaskRunnerError, open_task_runner
from tasks.run.totals import RunTotals
from tasks.run.transaction import RunWriter
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.errors import WarehouseUnavailable, to_user_error
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings


class OriginMismatch(RotationError):
    """The warehouse holds data of another environment; live and replayed data never mix."""


@dataclass(kw_only=True)
class RunContext(RunTotals):
    """An open run and its totals.

    Attributes:
        run_id: Its number in `audit.run`.
        settings: Its settings.
        lock: Its run lock; None for a run without one.
        now: The logical time of the run.
    """

    run_id: int
    settings: Settings
    lock: RunLock | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def writer(self) -> RunWriter:
        """Write access to the warehouse, for as long as the run holds its lock."""
        ensure_lock_held = self.lock.ensure_held if self.lock else lambda: None
        return RunWriter(self.run_id, self.settings, ensure_lock_held)


@contextmanager
def open_run(
    flow: str, settings: Settings, provider: str | None = None, publish_artifact: bool = True
) -> Iterator[RunContext]:
    """Open a run in `audit.run` and close it with its state, however its work ends.

    Runs of one provider exclude each other across flows, deployments, processes and machines:
    two at once would double the request rate, and the slower could load the older reply last. The
    run lock is an advisory lock of the warehouse under the provider's name. Waiters are served
    first-come, first-served; a backfill opens one run per chunk, so scheduled runs get in between.

    Args:
        flow: Its name.
        settings: Of the run.
        provider: The provider it requests from; None: no provider, and only runs of the same flow
            exclude each other.
        publish_artifact: Whether to show a summary in Prefect's UI.

    Raises:
        ClockError: ROTATION_CLOCK gives no time.
        OriginMismatch: The warehouse holds data of another environment.
        WarehouseUnavailable: The server is down or its disk is full.
    """
    suppress_engine_tracebacks()
    try:
        with (
            acquire_run_lock(provider or flow, settings) as lock,
            cancel_queries_on_signal(settings),
            open_task_runner(settings),
        ):
            # read after the lock: a run may have waited for hours
            logical_time = now(settings)
            with connect(settings) as connection:
                _check_origin(connection, settings.origin)
            run_id = lock.register_run(flow, logical_time)
            run = RunContext(run_id=run_id, settings=settings, now=logical_time, lock=lock)
            try:
                yield run
            except BaseException as error:
                # if the warehouse is gone, the original error must still be raised
                with suppress(psycopg.Error, EmbeddedServerError):
                    _close(run, *_failure_state(error, settings))
                raise
            finally:
                # also after an error: the batches committed so far are published
                emit_table_changed_events(run_id, run.counts)
                for line in run.describe_broken_rules():
                    run_logger().warning(line)
            _close(run, run.final_state()[0], run.summary())
            if publish_artifact:
                publish_run_artifact(run.run_id, run.notes(), settings)
    except Exception as error:
        user_error = to_user_error(error, settings)
        if user_error is not None:
            raise user_error from error
        raise


def _failure_state(error: BaseException, settings: Settings) -> tuple[str, str]:
    """Return state and detail of a run that an error ended."""
    if isinstance(error, (KeyboardInterrupt, TerminationSignal)):
        return "cancelled", "cancelled by signal between batches"
    reported = to_user_error(error, settings) or error
    if isinstance(reported, (WarehouseUnavailable, RunLockLost, TaskRunnerError)):
        return "failed", str(reported)
    # the class alone: a message may quote a provider's response
    return "failed", type(error).__name__


def _close(run: RunContext, state: str, detail: str | None) -> None:
    with connect(run.settings) as connection:
        connection.execute(
            "update audit.run set state = %s, detail = %s, ended_at = clock_timestamp()"
            " where run_id = %s",
            (state, detail, run.run_id),
        )


def _check_origin(connection: Connection, origin: str) -> None:
    connection.execute(
        "insert into audit.origin (origin) values (%s) on conflict do nothing", (origin,)
    )
    row = connection.execute("select origin from audit.origin").fetchone()
    assert row is not None
    if row[0] != origin:
        raise OriginMismatch(
            f"This warehouse holds data of environment '{row[0]}', and this run would load "
            f"'{origin}'. Use another warehouse for it: another ROTATION_HOME or DATABASE_URL."
        )
