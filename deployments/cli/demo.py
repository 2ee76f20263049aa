"""The demonstration: the whole system on a tape, and a report of what came of it."""

import os
import shlex
import sys
import time
from pathlib import Path

from psycopg import Connection
from rich.console import Console
from rich.table import Table

from deployments.cli.run_flow import flow_command, run_and_wait
from deployments.stack import prefect_server, stack
from warehouse.connect.connections import connect, embedded_server, is_embedded, warehouse_dsn
from warehouse.settings import Settings

SEED = 7


def simulated_tape(console: Console, settings: Settings) -> Path:
    """The small simulated market, written at the first call."""
    tape = settings.home.absolute() / "tapes" / f"simulated-{SEED}"
    if not (tape / "tape.toml").exists():
        from deployments.sandbox.market.tape.write import simulate

        with console.status("Simulating a market") as shown:
            simulate(tape, seed=SEED, progress=lambda step: shown.update(f"Simulating: {step}"))
    return tape


def run_demo(console: Console, settings: Settings, tape: Path | None) -> None:
    """Replays a tape through all flows, prints what was loaded and how to query it.

    Args:
        console: Where the report goes.
        settings: Of the state folder to use.
        tape: The tape; None: a small simulated market.
    """
    began = time.monotonic()
    ours = not prefect_server.is_server_running(settings)
    if "DATABASE_URL" not in os.environ:
        # one named in .env is meant for live facts; the demonstration would claim it for its tape
        os.environ["DATABASE_URL"] = ""
    # a sandbox of its own: the stack's may be replaying something else
    home = settings.home.absolute() / "demo"
    sandbox = stack.start_sandbox(home, tape or simulated_tape(console, settings))
    try:
        os.environ.update(stack.sandbox_environment(sandbox))
        settings = Settings(home=settings.home)
        with console.status("Starting Postgres"):
            stack.start_database(settings, set_as_current=not stack.is_worker_running(settings))
        with console.status("Starting a Prefect server"):
            environment = os.environ | prefect_server.start_server(settings)
        with connect(settings, "reader") as connection:
            last_run = _last_run(connection)
        console.rule(f"Replaying the tape {sandbox.tape} up to {sandbox.now():%Y-%m-%d %H:%M} UTC")
        ended = run_and_wait([sys.executable, *flow_command("daily")], environment)
    finally:
        sandbox.stop()
        if ours:
            prefect_server.stop_server(settings)
    with connect(settings, "reader") as connection:
        report(console, connection, last_run)
    console.print(f"Took {time.monotonic() - began:.0f} s. Query it (make sql opens it, too):")
    psql = "psql"
    if is_embedded(settings):
        psql = str(embedded_server(settings).program_folder() / "psql")
    line = shlex.join([psql, warehouse_dsn(settings, "reader")])
    console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    sys.exit(ended)


def report(console: Console, connection: Connection, after_run: int) -> None:
    """Prints what the runs after a given one loaded, what was set aside, and the newest metrics."""
    loaded = Table("table", "new", "changed", "same", "withdrawn", title="Loaded")
    changes = 0
    for name, *numbers in connection.execute(
        """
        select table_name, sum(rows_new), sum(rows_changed), sum(rows_same), sum(rows_removed)
        from audit.load where run_id > %s group by table_name order by table_name
        """,
        (after_run,),
    ):
        loaded.add_row(name, *(f"{number:,}" for number in numbers))
        changes += int(numbers[0] + numbers[1] + numbers[3])
    console.print(loaded)
    if after_run and not changes:
        console.print("[bold]Nothing changed:[/] every row was held already.")

    aside = Table(
        "table", "rule", "rows", "example", "reason", title="Set aside (audit.quarantine)"
    )
    for row in connection.execute(
        """
        select table_name, rule, count(*)::text,
            (array_agg((select string_agg(value, ' ') from jsonb_each_text(key)) order by key))[1],
            max(reason)
        from audit.quarantine where last_run_id > %s group by table_name, rule
        order by table_name, rule
        """,
        (after_run,),
    ):
        aside.add_row(*row)
    console.print(aside)

    missing = Table(
        "source", "status", "reason", "items", "such as", title="Brought nothing (audit.fetch)"
    )
    for source, status, reason, number, items in connection.execute(
        """
        select source, status, reason, count(*)::text, (array_agg(item order by item))[1:8]
        from audit.fetch where run_id > %s and status <> 'loaded'
        group by source, status, reason order by source, status, reason
        """,
        (after_run,),
    ):
        missing.add_row(source, status, reason, number, ", ".join(items))
    if missing.row_count:
        console.print(missing)

    columns = ("ratio", "excess_return_21", "zscore_252", "rs_ratio", "rs_momentum")
    newest = Table(
        "pair", "session", *columns, "quadrant", "streak", "regime", title="Newest rotation_metrics"
    )
    for row in connection.execute(
        f"""
        select distinct on (pair)
            pair, session_date::text, {", ".join(f"round({c}::numeric, 4)::text" for c in columns)},
            quadrant, outperformance_streak::text, regime
        from published.rotation_metrics order by pair, session_date desc
        """
    ):
        newest.add_row(*("" if value is None else value for value in row))
    console.print(newest)


def _last_run(connection: Connection) -> int:
    row = connection.execute("select max(run_id) from audit.run").fetchone()
    return row[0] or 0 if row else 0
