"""Commands that start, stop and watch the stack, and commands that run flows."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deployments.cli.console import make_console
from deployments.cli.run_flow import flow_command, run_python, use_stack_environment
from deployments.stack import prefect_server, stack, supervisor
from deployments.stack.database import ensure_database_running, load_settings, start_database
from deployments.stack.outside_server import outside_server_notice
from tasks.run.clock import now
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, is_embedded
from warehouse.settings import Settings

SUPERVISED_SERVICES = ("prefect-server", "prefect-worker", stack.SUPERVISOR)
FLOWS = (
    *("daily", "prices", "macro", "holdings", "past-holdings", "filings"),
    *("derived", "price-check"),
)


def demo(
    tape: Annotated[
        Path | None, typer.Option(help="Tape to replay; default: a small simulated market.")
    ] = None,
) -> None:
    """Run all flows offline; show what was loaded and quarantined."""
    from deployments.cli.demo import run_demo

    run_demo(make_console(), Settings(), tape)


def up(
    sandbox: Annotated[bool, typer.Option(help="Offline: replay a tape.")] = False,
    tape: Annotated[
        Path | None, typer.Option(help="Tape to replay; default: a small simulated market.")
    ] = None,
) -> None:
    """Start PostgreSQL, the Prefect server and UI, a worker and the deployments."""
    from deployments.cli.demo import simulated_tape

    console = make_console()
    settings = Settings()
    # it would restart a worker that is being replaced
    supervisor.stop_supervisor(settings)
    if sandbox or tape is not None:
        replayed = stack.start_sandbox(
            stack.sandbox_home(settings), tape or simulated_tape(console, settings), reuse=True
        )
        os.environ.update(stack.sandbox_environment(replayed))
        settings = Settings()
    else:
        _warn_missing_settings(console, settings)
    with console.status("Starting PostgreSQL"):
        start_database(settings)
    with console.status("Starting the Prefect server"):
        environment = prefect_server.start_server(settings)
    with console.status("Applying the deployments"):
        stack.deploy(environment)
        stack.start_worker(settings, environment)
        supervisor.start_supervisor(settings)
    if settings.origin == "live":
        # commands in the foreground would use a running sandbox
        stack.stop_sandbox(stack.sandbox_home(settings))
    if notice := outside_server_notice(environment["PREFECT_API_URL"]):
        console.print(notice, style="yellow", markup=False, highlight=False, soft_wrap=True)
    url = environment["PREFECT_API_URL"].removesuffix("/api")
    console.print(f"Prefect UI   {url}", soft_wrap=True)
    place = "ROTATION_UI_PASSWORD" if settings.ui_password else settings.home / "ui.password"
    console.print(f"  sign in    rotation, password in {place}", soft_wrap=True, highlight=False)
    console.print("Warehouse    make sql   (for notebooks and BI tools: rotation dsn)")
    console.print("Stop         make down")


def _warn_missing_settings(console: Console, settings: Settings) -> None:
    if settings.fred_api_key is None:
        console.print(
            "[yellow]FRED_API_KEY is not set[/]: macro series come from fredgraph.csv, without "
            "vintages. Keys are free: https://fred.stlouisfed.org/docs/api/api_key.html"
        )
    if settings.sec_user_agent is None:
        console.print(
            "[yellow]ROTATION_SEC_USER_AGENT is not set[/]: filings are not refreshed. Set it to a "
            "company name and contact e-mail, as the SEC requires."
        )


def down() -> None:
    """Stop all services of this state folder."""
    stopped = stack.stop_all(Settings())
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


def status() -> None:
    """Show service status and row counts; start the embedded database to read them."""
    console = make_console()
    settings = load_settings()
    for name, state in stack.status(settings).items():
        console.print(f"{name:<15} {'running' if state else 'not running'}")
    if is_embedded(settings) and not embedded_server(settings).is_created():
        console.print(
            f"There is no warehouse in {settings.home} yet. Create one: make up (live data) or "
            "make demo (offline)."
        )
        return
    if ensure_database_running(settings):
        console.print("PostgreSQL was started to read the warehouse; stop it with: make down")
    table = Table("table", "rows", "newest load", title=f"Warehouse of origin {settings.origin}")
    with connect(settings, "reader") as connection:
        for name, rows, loaded_at in connection.execute(
            """
            select table_name, sum(rows_new - rows_removed), max(loaded_at)::timestamp(0)::text
            from audit.load group by table_name order by table_name
            """
        ):
            table.add_row(name, f"{rows:,}", loaded_at)
    console.print(table)


def health() -> None:
    """Run health checks; print one line per issue, exit 1 if any."""
    from tasks.health.checks import HealthIssue, run_health_checks

    use_stack_environment()
    settings = load_settings()
    issues = run_health_checks(settings, now(settings))
    issues += [
        HealthIssue("service", name, "service not running; start it with: make up")
        for name, state in stack.status(settings).items()
        if name in SUPERVISED_SERVICES and not state
    ]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    issues += [
        HealthIssue(
            "service",
            name,
            f"ended and was restarted {len(times)} times in 24 hours, last at"
            f" {times[-1]:%Y-%m-%d %H:%M} UTC; see {settings.home}/logs/{name}.log",
        )
        for name, times in supervisor.restarts_since(settings, yesterday).items()
    ]
    console = make_console()
    for issue in issues:
        console.print(str(issue), markup=False, highlight=False, soft_wrap=True)
    if issues:
        raise typer.Exit(1)
    console.print("All checks passed.")


def run(flow: Annotated[str, typer.Argument(help=", ".join(FLOWS) + ".")]) -> None:
    """Run one flow now, in the foreground, with the stack's Prefect server."""
    flow = flow.replace("_", "-")
    if flow not in FLOWS:
        raise typer.BadParameter(f"Unknown flow {flow!r}; use one of {', '.join(FLOWS)}.")
    raise typer.Exit(run_python(flow_command(flow)))


def import_holdings(
    file: Annotated[Path, typer.Argument(help="Holdings file saved with a browser.")],
    fund: Annotated[str, typer.Option(help="The fund that the file is of, such as IWM.")],
) -> None:
    """Load a holdings file saved with a browser, by the rules of a downloaded one."""
    from expectations.calendars.trading import new_york_date
    from tasks.extract.ishares.client import read_saved_file
    from tasks.extract.ishares.extract import get_fund

    use_stack_environment()
    settings = load_settings()
    name = fund.strip().upper()
    # before the services start, so that a wrong file ends with its reason at once
    read_saved_file(file, get_fund(name), new_york_date(now(settings)))
    code = "import sys; from pathlib import Path; "
    code += "from flows.import_holdings import import_holdings as flow; "
    code += "state = flow(Path(sys.argv[1]), sys.argv[2], return_state=True); "
    code += "print(f'{state.name}: {state.message}'); sys.exit(state.name != 'Completed')"
    raise typer.Exit(run_python(["-c", code, str(file.absolute()), name]))


def rebuild(
    table: Annotated[list[str] | None, typer.Argument(help="Derived tables; default: all.")] = None,
) -> None:
    """Rebuild derived tables from scratch and report changed rows."""
    from tasks.derive.rebuild import TABLES

    names = table or [*TABLES]
    if unknown := sorted(set(names) - set(TABLES)):
        raise typer.BadParameter(
            f"Unknown derived table {', '.join(unknown)}; use {', '.join(TABLES)}."
        )
    code = "import json, sys; from flows.derived import refresh_derived as flow; "
    code += "state = flow(rebuild=json.loads(sys.argv[1]), return_state=True); "
    code += "print(f'{state.name}: {state.message}'); sys.exit(not state.is_completed())"
    raise typer.Exit(run_python(["-c", code, json.dumps(names)]))
