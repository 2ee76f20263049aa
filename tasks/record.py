"""Writes down what happened: runs, fetches, quarantine and validation results, in `audit`."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd
import psycopg
from adbc_driver_postgresql import dbapi as adbc
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from psycopg import Connection

from expectations.contract import Column
from tasks.clock import now
from tasks.report import report_run
from warehouse import arrow
from warehouse.connections import connect, warehouse_dsn
from warehouse.settings import Settings

logger = logging.getLogger(__name__)


def _columns(**sql_types: str) -> tuple[Column, ...]:
    # their units and meanings are said where the tables are made: migrations, 0002_audit.sql
    return tuple(Column(name, sql_type, "") for name, sql_type in sql_types.items())


FETCH = _columns(
    source="text",
    dataset="text",
    item="text",
    window_start="date",
    window_end="date",
    status="text",
    reason="text",
    detail="text",
    rows="bigint",
    attempts="integer",
    started_at="timestamp with time zone",
    finished_at="timestamp with time zone",
)
QUARANTINE = _columns(table_name="text", key="jsonb", rule="text", reason="text", row="jsonb")
VALIDATION = _columns(
    table_name="text",
    rule="text",
    action="text",
    expectation="text",
    success="boolean",
    evaluated="bigint",
    unexpected="bigint",
    detail="text",
)


class ForeignOrigin(RuntimeError):
    """The warehouse holds facts of another origin; real and simulated never mix."""


# what a provider could not give for now, as against what it does not have
DEGRADING = ("throttled", "outage", "refused")


@dataclass
class Run:
    """A run under way.

    Attributes:
        run_id: Its number in `audit.run`.
        settings: What it runs with.
        absent: Fetch status other than loaded to the items that ended so.
        refusals: Batches that broke a critical rule, one sentence each.
        counts: Table to the numbers of rows new, changed, same, removed and quarantined.
    """

    run_id: int
    settings: Settings
    absent: dict[str, list[str]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, table: str, **numbers: int) -> None:
        """Adds numbers of rows of a table."""
        held = self.counts.setdefault(table, {})
        for name, number in numbers.items():
            held[name] = held.get(name, 0) + number

    def note_fetches(self, fetches: pd.DataFrame) -> None:
        """Keeps which items brought nothing, and why."""
        for fetch in fetches[fetches["status"] != "loaded"].itertuples():
            self.absent.setdefault(str(fetch.status), []).append(str(fetch.item))

    def gaps(self) -> list[str]:
        """Why the run is degraded, one sentence each; none where it is not."""
        missed = [
            f"{len(items)} {status}: {_some(items)}"
            for status, items in self.absent.items()
            if status in DEGRADING
        ]
        return missed + self.refusals

    def summary(self) -> str:
        """What the run did, for people: rows by table, then what brought nothing."""
        lines = [
            f"{table}: " + ", ".join(f"{number:,} {name}" for name, number in numbers.items())
            for table, numbers in self.counts.items()
        ]
        lines += [f"{len(items)} {status}: {_some(items)}" for status, items in self.absent.items()]
        return "\n".join(lines + self.refusals) or "nothing to do"

    def end_state(self) -> State:
        """The state that the flow ends in: Completed, or Completed under the name Degraded."""
        if self.gaps():
            return Completed(name="Degraded", message=self.summary())
        return Completed(message=self.summary())


def _some(items: list[str], most: int = 8) -> str:
    named = ", ".join(sorted(items)[:most])
    return named if len(items) <= most else f"{named} and {len(items) - most} more"


@contextmanager
def run(flow: str, settings: Settings) -> Iterator[Run]:
    """Opens a run in `audit.run` and closes it with its state, whatever happens inside.

    Runs of one flow take turns, from whatever deployment, process or machine: two that talk to one
    provider would double its rate, and the slower could load the older reply last.

    Raises:
        ForeignOrigin: when the warehouse holds facts of another origin.
    """
    # the lock is the session's: it ends with this connection, also when the process is killed
    with psycopg.connect(warehouse_dsn(settings), autocommit=True) as turn:
        _wait_for_turn(turn, flow)
        with connect(settings) as connection:
            _keep_to_one_origin(connection, settings.origin)
            _bury_the_dead(connection)
            row = connection.execute(
                """
                insert into audit.run (flow, flow_run_id, process) values (%s, %s, %s)
                returning run_id
                """,
                (flow, flow_run.id, f"{socket.gethostname()}:{os.getpid()}"),
            ).fetchone()
            assert row is not None
        under_way = Run(run_id=row[0], settings=settings)
        try:
            _note_clock(under_way)
            yield under_way
        except BaseException as error:
            # the class alone: a message may quote what a provider sent
            _close(under_way, "failed", type(error).__name__)
            raise
        _close(under_way, "degraded" if under_way.gaps() else "completed", under_way.summary())
        report_run(under_way.run_id, settings)


def _wait_for_turn(connection: Connection, flow: str) -> None:
    key = f"run {flow}"
    got = connection.execute("select pg_try_advisory_lock(hashtext(%s))", (key,)).fetchone()
    if got != (True,):
        logger.info("%s: another run is under way; this one waits for its end", flow)
        connection.execute("select pg_advisory_lock(hashtext(%s))", (key,))


def _note_clock(under_way: Run) -> None:
    with connect(under_way.settings) as connection:
        connection.execute(
            "update audit.run set clock_at = %s where run_id = %s",
            (now(under_way.settings), under_way.run_id),
        )


def _close(under_way: Run, state: str, detail: str | None) -> None:
    with connect(under_way.settings) as connection:
        connection.execute(
            "update audit.run set state = %s, detail = %s, ended_at = clock_timestamp()"
            " where run_id = %s",
            (state, detail, under_way.run_id),
        )


def _keep_to_one_origin(connection: Connection, origin: str) -> None:
    connection.execute(
        "insert into audit.origin (origin) values (%s) on conflict do nothing", (origin,)
    )
    held = connection.execute("select origin from audit.origin").fetchone()
    assert held is not None
    if held[0] != origin:
        raise ForeignOrigin(
            f"This warehouse holds facts of origin '{held[0]}', and this run would bring "
            f"'{origin}'. Give the run a warehouse of its own: another ROTATION_HOME or "
            "DATABASE_URL."
        )


def _bury_the_dead(connection: Connection) -> None:
    """Marks runs of this host whose process is gone."""
    host = socket.gethostname()
    running = connection.execute(
        "select run_id, process from audit.run where state = 'running' and process like %s",
        (f"{host}:%",),
    ).fetchall()
    for run_id, process in running:
        if not _is_alive(int(process.rsplit(":", 1)[1])):
            connection.execute(
                "update audit.run set state = 'died', ended_at = clock_timestamp()"
                " where run_id = %s",
                (run_id,),
            )


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def append_fetches(connection: adbc.Connection, run_id: int, fetches: pd.DataFrame) -> None:
    """Appends to the fetch ledger, in the connection's transaction."""
    _append(connection, run_id, "fetch", FETCH, fetches)


def append_results(connection: adbc.Connection, run_id: int, results: pd.DataFrame) -> None:
    """Appends validation results, in the connection's transaction."""
    _append(connection, run_id, "validation", VALIDATION, results)


def append_quarantine(connection: adbc.Connection, run_id: int, rows: pd.DataFrame) -> None:
    """Sets rows aside, in the connection's transaction; one seen before is noted, not doubled.

    They stay readable as the temporary table `new_quarantine`.
    """
    arrow.stage(connection, "new_quarantine", arrow.to_arrow(rows, QUARANTINE))
    arrow.execute(
        connection,
        f"""
        insert into audit.quarantine
            (run_id, last_run_id, table_name, key, rule, reason, row)
        select distinct {run_id}, {run_id}, table_name, key::jsonb, rule, reason, row::jsonb
        from new_quarantine
        on conflict (table_name, rule, key, row_hash) do update
        set last_run_id = excluded.run_id, last_seen_at = clock_timestamp()
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
