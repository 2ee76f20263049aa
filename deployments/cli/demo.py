"""The demonstration: run all flows on a tape and report what they loaded."""

import fcntl
import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import Connection
from rich.console import Console
from rich.table import Table

from deployments.cli.run_flow import flow_command, run_and_wait
from deployments.stack import prefect_server, stack
from deployments.stack.database import SERVICE, start_database, write_service_file
from tasks.report.path import report_path
from warehouse.connect.connections import connect
from warehouse.connect.dsn import find_client_binary
from warehouse.reference import read_reference
from warehouse.settings import Settings

SEED = 7
# validation warnings are counted by rule in the report; the log shows flow runs only
QUIET_TASKS = {"PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "ERROR"}
METRICS = ("ratio", "excess_return_21", "zscore_252", "rs_ratio", "rs_momentum")


def simulated_tape(console: Console, settings: Settings) -> Path:
    """Return the tape of the small simulated market, created at the first call."""
    tape = settings.home.absolute() / "tapes" / f"simulated-{SEED}"
    if not (tape / "tape.toml").exists():
        from deployments.sandbox.market.tape.write import simulate_once

        with console.status("Simulating a market") as status:
            simulate_once(tape, SEED, lambda step: status.update(f"Simulating: {step}"))
    return tape


@contextmanager
def demo_lock(console: Console, home: Path) -> Iterator[int]:
    """Wait until no other demo runs in this state folder; yield the lock's file descriptor."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"Another demo runs in {home.parent}; waiting until it ends.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def run_demo(console: Console, settings: Settings, tape: Path | None) -> None:
    """Replay a tape through all flows, print what was loaded and how to query it.

    Args:
        console: Output of the report.
        settings: Of the state folder.
        tape: The tape; None: a small simulated market.
    """
    if "DATABASE_URL" not in os.environ:
        # a database named in .env is for live data; the demo must not use it for a tape
        os.environ["DATABASE_URL"] = ""
    # a separate sandbox, since the stack's may replay another tape
    home = settings.home.absolute() / "demo"
    with demo_lock(console, home) as lock:
        exit_code = _replay(
            console, settings, tape or simulated_tape(console, settings), home, lock
        )
    sys.exit(exit_code)


def _replay(console: Console, settings: Settings, tape: Path, home: Path, lock: int) -> int:
    """Replay a tape through all flows and print the report; return the flows' exit code."""
    started = time.monotonic()
    is_server_ours = not prefect_server.is_server_running(settings)
    sandbox = stack.start_sandbox(home, tape)
    try:
        os.environ.update(stack.sandbox_environment(sandbox))
        settings = Settings(home=settings.home)
        with console.status("Starting PostgreSQL"):
            start_database(settings, set_as_current=not stack.is_worker_running(settings))
        with console.status("Starting a Prefect server"):
            environment = os.environ | prefect_server.start_server(settings) | QUIET_TASKS
        with connect(settings, "reader") as connection:
            last_run = _last_run(connection)
        console.rule(f"Replaying the tape {sandbox.tape} up to {sandbox.now():%Y-%m-%d %H:%M} UTC")
        # if this process is killed, the flow keeps the lock until it has ended
        flow = [sys.executable, *flow_command("daily")]
        exit_code = run_and_wait(flow, environment, pass_fds=[lock])
    finally:
        sandbox.stop()
        if is_server_ours:
            prefect_server.stop_server(settings)
    with connect(settings, "reader") as connection:
        report(console, connection, last_run)
    page = report_path(settings)
    if page.exists():
        console.print(f"Open the report in a browser: {page}", soft_wrap=True, highlight=False)
    console.print(f"Took {time.monotonic() - started:.0f} s. Query it with `make sql`, or:")
    # the service file has the password, so that it is not on the screen
    command = shlex.join([str(find_client_binary(settings, "psql")), f"service={SERVICE}"])
    file = shlex.quote(str(write_service_file(settings)))
    line = f"  PGSERVICEFILE={file} {command}"
    console.print(line, soft_wrap=True, highlight=False, markup=False)
    return exit_code


def report(console: Console, connection: Connection, after_run: int) -> None:
    """Print what the runs after a given one loaded, quarantined and missed, and the metrics."""
    loads = connection.execute(
        """
        select table_name, sum(rows_new)::bigint, sum(rows_changed)::bigint,
            sum(rows_same)::bigint, sum(rows_removed)::bigint
        from audit.load where run_id > %s group by table_name order by table_name
        """,
        (after_run,),
    ).fetchall()
    columns = ("table", "new", "changed", "unchanged", "deleted")
    _print_table(console, "Loaded rows (audit.load)", columns, loads)
    if after_run and not any(new or changed or deleted for _, new, changed, _, deleted in loads):
        console.print("[bold]No changes:[/] all rows already loaded.")

    quarantined = connection.execute(
        """
        select table_name, rule, count(*),
            (array_agg((select string_agg(value, ' ') from jsonb_each_text(key)) order by key))[1],
            max(reason)
        from audit.quarantine where last_run_id > %s group by table_name, rule
        order by table_name, rule
        """,
        (after_run,),
    )
    columns = ("table", "rule", "rows", "example", "reason")
    _print_table(console, "Quarantined rows (audit.quarantine)", columns, quarantined)

    warnings = connection.execute(
        """
        select table_name, rule, sum(unexpected)::bigint, sum(evaluated)::bigint,
            split_part(min(detail), ', ', 1)
        from audit.validation where run_id > %s and not success and action = 'warn'
        group by table_name, rule order by table_name, rule
        """,
        (after_run,),
    )
    columns = ("table", "rule", "rows", "of", "example")
    _print_table(console, "Warnings: unusual rows, loaded (audit.validation)", columns, warnings)

    fetches = connection.execute(
        """
        select source, status, reason, count(*),
            array_to_string((array_agg(item order by item))[1:8], ', ')
        from audit.fetch
        where run_id > %s and status <> 'loaded'
            and not (status = 'not_found' and item = any (%s))
        group by source, status, reason order by source, status, reason
        """,
        (after_run, [*read_reference("watch_list")["ticker"]]),
    )
    columns = ("source", "status", "reason", "items", "examples")
    # a tape need not have the tickers of the watch list: that is no failed fetch
    _print_table(console, "Fetches without data (audit.fetch)", columns, fetches)

    metrics = connection.execute(
        f"""
        select distinct on (pair)
            pair, session_date::text, {", ".join(f"round({c}::numeric, 4)::text" for c in METRICS)},
            quadrant, outperformance_streak::text, regime
        from published.rotation_metrics order by pair, session_date desc
        """
    )
    _print_table(
        console,
        "Newest rotation metrics (published.rotation_metrics)",
        ("pair", "session", *METRICS, "quadrant", "streak", "regime"),
        metrics,
    )


def _print_table(
    console: Console, title: str, columns: Iterable[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Print a table, unless it has no rows."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v or "") for v in row))
    if table.row_count:
        console.print(table)


def _last_run(connection: Connection) -> int:
    row = connection.execute("select max(run_id) from audit.run").fetchone()
    return row[0] or 0 if row else 0
