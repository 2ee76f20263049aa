"""Writes down what happened: runs, fetches, quarantine and validation results, in `audit`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd
import psycopg
from adbc_driver_postgresql import dbapi as adbc
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import TerminationSignal
from psycopg import Connection

from expectations.contract import Column
from expectations.tables.audit import audit_columns
from tasks.run.artifact import publish_run_artifact, suppress_engine_tracebacks
from tasks.run.clock import now
from tasks.run.events import emit_table_changed_events
from tasks.run.lock import RunLock, RunLockLost, acquire_run_lock, cancel_queries_on_signal
from warehouse.connect import arrow
from warehouse.connect.connections import connect
from warehouse.errors import WarehouseUnavailable, to_user_error
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

FETCH = audit_columns(
    "fetch",
    "source",
    "dataset",
    "item",
    "window_start",
    "window_end",
    "status",
    "reason",
    "detail",
    "rows",
    "attempts",
    "started_at",
    "finished_at",
)
QUARANTINE = audit_columns("quarantine", "table_name", "key", "rule", "reason", "row")
VALIDATION = audit_columns(
    "validation",
    "table_name",
    "rule",
    "action",
    "expectation",
    "success",
    "evaluated",
    "unexpected",
    "detail",
)


class OriginMismatch(RuntimeError):
    """The warehouse holds facts of another origin; real and simulated never mix."""


# what a provider could not give for now, as against what it does not have
TEMPORARY_FAILURES = ("throttled", "outage", "refused")


@dataclass
class RunContext:
    """A run under way.

    Attributes:
        run_id: Its number in `audit.run`.
        settings: What it runs with.
        unsuccessful: Fetch status other than loaded to the items that ended so.
        validation_failures: Batches that broke a critical rule, one sentence each.
        counts: Table to the numbers of rows new, changed, same, removed and quarantined.
        lock: Its turn; None where it takes none.
        answered_count: Items that the provider had an answer for, be it that there is nothing.
        now: The instant that counts as now in it.
        message: What else is to be said of it; empty for nothing.
    """

    run_id: int
    settings: Settings
    unsuccessful: dict[str, list[str]] = field(default_factory=dict)
    validation_failures: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    lock: RunLock | None = None
    answered_count: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    message: str = ""

    def count(self, table: str, **numbers: int) -> None:
        """Adds numbers of rows of a table."""
        held = self.counts.setdefault(table, {})
        for name, number in numbers.items():
            held[name] = held.get(name, 0) + number

    def record_fetches(self, fetches: pd.DataFrame) -> None:
        """Keeps which items brought nothing, and why."""
        self.answered_count += int((~fetches["status"].isin(TEMPORARY_FAILURES)).sum())
        for fetch in fetches[fetches["status"] != "loaded"].itertuples():
            self.unsuccessful.setdefault(str(fetch.status), []).append(str(fetch.item))

    def add(self, other: "RunContext") -> None:
        """Adds what another run did to this one's account."""
        for table, numbers in other.counts.items():
            self.count(table, **numbers)
        for status, items in other.unsuccessful.items():
            self.unsuccessful.setdefault(status, []).extend(items)
        self.validation_failures += other.validation_failures
        self.answered_count += other.answered_count

    def degraded_reasons(self) -> list[str]:
        """Why the run is degraded, one sentence each; none where it is not."""
        missed = [
            f"{len(items)} {status}: {_some(items)}"
            for status, items in self.unsuccessful.items()
            if status in TEMPORARY_FAILURES
        ]
        return missed + self.validation_failures

    def summary(self) -> str:
        """What the run did, for people: rows by table, then what brought nothing."""
        lines = [self.message] if self.message else []
        lines += [
            f"{table}: " + ", ".join(f"{number:,} {name}" for name, number in numbers.items())
            for table, numbers in self.counts.items()
        ]
        lines += [
            f"{len(items)} {status}: {_some(items)}" for status, items in self.unsuccessful.items()
        ]
        return "\n".join(lines + self.validation_failures) or "nothing to do"

    def end(self) -> tuple[str, StateType]:
        """How the run ends: the state in `audit.run`, and Prefect's.

        Failed where nothing that was asked had an answer, or none of it was fit to be loaded: that
        is no run with gaps, it is none. A run that derives asks nobody: it fails where rows of its
        own break a rule.
        """
        if not self.degraded_reasons():
            return "completed", StateType.COMPLETED
        loaded_nothing = not any(n for numbers in self.counts.values() for n in numbers.values())
        if self.answered_count == 0 or (self.validation_failures and loaded_nothing):
            return "failed", StateType.FAILED
        return "degraded", StateType.COMPLETED

    def end_state(self) -> State:
        """The state that the flow ends in: Completed, Failed, or Completed as Degraded."""
        name, kind = self.end()
        return State(type=kind, name=name.capitalize(), message=self.summary())


def _some(items: list[str], most: int = 8) -> str:
    # a fund is an item of many files
    each = sorted(set(items))
    named = ", ".join(each[:most])
    return named if len(each) <= most else f"{named} and {len(each) - most} more"


@contextmanager
def open_run(
    flow: str, settings: Settings, provider: str | None = None, publish_artifact: bool = True
) -> Iterator[RunContext]:
    """Opens a run in `audit.run` and closes it with its state, whatever happens inside.

    Runs that talk to one provider take turns, of whatever flow, from whatever deployment, process
    or machine: two at once would double its rate, and the slower could load the older reply last.
    The turn is an advisory lock of the warehouse, which all of them share, under the provider's
    name. Who waits is served in the order of arrival, so that a backfill, which opens a run for
    each of its chunks, lets a scheduled run go between two of them.

    Args:
        flow: Its name.
        settings: Of the run.
        provider: The provider that it talks to; None: it talks to none, and only runs of its own
            flow take turns.
        publish_artifact: Whether what it did is left as an artifact in Prefect's UI.

    Raises:
        ClockError: when the clock tells no time.
        ForeignOrigin: when the warehouse holds facts of another origin.
        WarehouseTrouble: when the server is gone or full.
    """
    suppress_engine_tracebacks()
    try:
        with (
            acquire_run_lock(provider or flow, settings) as turn,
            cancel_queries_on_signal(settings),
        ):
            # not before the turn: a run may have waited for hours
            instant = now(settings)
            with connect(settings) as connection:
                _check_origin(connection, settings.origin)
            run_id = turn.register_run(flow, instant)
            run = RunContext(run_id=run_id, settings=settings, now=instant, lock=turn)
            try:
                yield run
            except BaseException as error:
                # should the warehouse be gone, what ended the run must still be told
                with suppress(psycopg.Error, EmbeddedServerError):
                    _close(run, *_failure_state(error, settings))
                raise
            finally:
                # also where it ended badly: what it committed is published
                emit_table_changed_events(run_id, run.counts)
            _close(run, run.end()[0], run.summary())
            if publish_artifact:
                publish_run_artifact(run.run_id, settings)
    except Exception as error:
        user_error = to_user_error(error, settings)
        if user_error is not None:
            raise user_error from error
        raise


def _failure_state(error: BaseException, settings: Settings) -> tuple[str, str]:
    """State and detail of a run that an error ended."""
    if isinstance(error, (KeyboardInterrupt, TerminationSignal)):
        return "cancelled", "ended by a signal, between two batches"
    trouble = to_user_error(error, settings) or error
    if isinstance(trouble, (WarehouseUnavailable, RunLockLost)):
        return "failed", str(trouble)
    # the class alone: a message may quote what a provider sent
    return "failed", type(error).__name__


def _close(under_way: RunContext, state: str, detail: str | None) -> None:
    with connect(under_way.settings) as connection:
        connection.execute(
            "update audit.run set state = %s, detail = %s, ended_at = clock_timestamp()"
            " where run_id = %s",
            (state, detail, under_way.run_id),
        )


def _check_origin(connection: Connection, origin: str) -> None:
    connection.execute(
        "insert into audit.origin (origin) values (%s) on conflict do nothing", (origin,)
    )
    held = connection.execute("select origin from audit.origin").fetchone()
    assert held is not None
    if held[0] != origin:
        raise OriginMismatch(
            f"This warehouse holds facts of origin '{held[0]}', and this run would bring "
            f"'{origin}'. Give the run a warehouse of its own: another ROTATION_HOME or "
            "DATABASE_URL."
        )


def insert_fetches(connection: adbc.Connection, run_id: int, fetches: pd.DataFrame) -> None:
    """Appends to the fetch ledger, in the connection's transaction."""
    _append(connection, run_id, "fetch", FETCH, fetches)


def insert_validation_results(
    connection: adbc.Connection, run_id: int, results: pd.DataFrame
) -> None:
    """Appends validation results, in the connection's transaction."""
    _append(connection, run_id, "validation", VALIDATION, results)


def upsert_quarantine(connection: adbc.Connection, run_id: int, rows: pd.DataFrame) -> None:
    """Sets rows aside, in the connection's transaction; one seen before is noted, not doubled.

    They stay readable as the temporary table `new_quarantine`.
    """
    arrow.stage(connection, "new_quarantine", arrow.to_arrow(rows, QUARANTINE))
    arrow.execute(
        connection,
        f"""
        insert into audit.quarantine
            (first_run_id, last_run_id, table_name, key, rule, reason, row)
        select distinct {run_id}, {run_id}, table_name, key::jsonb, rule, reason, row::jsonb
        from new_quarantine
        on conflict (table_name, rule, key, row_hash) do update
        set last_run_id = excluded.last_run_id, last_seen_at = clock_timestamp()
        """,
    )


def _append(
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
        f"insert into audit.{table} (run_id, {names}) select {run_id}, {names} from new_{table}",
    )
