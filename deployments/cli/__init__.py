"""The command line, `rotation`: start, stop, run, look."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from deployments.cli import admin
from deployments.cli.backfill import backfill
from deployments.cli.run_flow import flow_command, run_python, use_stack_environment
from deployments.sandbox.launch import SandboxError
from deployments.stack import prefect_server, stack
from deployments.stack.processes import ServiceError
from tasks.run.clock import ClockError, now
from warehouse.backup.backup import BackupError
from warehouse.backup.checksum import checksums
from warehouse.backup.restore import WarehouseNotEmpty
from warehouse.connect.connections import (
    InvalidDatabaseUrl,
    Role,
    connect,
    embedded_server,
    find_client_binary,
    is_embedded,
    warehouse_dsn,
)
from warehouse.connect.tls import InsecureDatabase
from warehouse.schema.migrate import MigrationBlocked, ServerTooOld, UnknownSchemaRevision
from warehouse.schema.roles import RoleError
from warehouse.schema.views import DependentViewsError
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

app = typer.Typer(
    help="The Great Rotation warehouse: small caps against mega-caps, in SQL you can trust.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
# a pipe has no width of its own, and 80 columns would cut the tables
console = Console(width=None if sys.stdout.isatty() else 150)


@app.command()
def demo(
    tape: Annotated[
        Path | None, typer.Option(help="A tape to replay; none: a small simulated market.")
    ] = None,
) -> None:
    """Run the whole system offline and show what it loaded, and what it set aside."""
    from deployments.cli.demo import run_demo

    run_demo(console, Settings(), tape)


@app.command()
def up(
    sandbox: Annotated[bool, typer.Option(help="Offline: replay a tape instead.")] = False,
    tape: Annotated[Path | None, typer.Option(help="The tape; none: a simulated market.")] = None,
) -> None:
    """Start Postgres, the Prefect server with its UI, a worker and the deployments."""
    from deployments.cli.demo import simulated_tape

    settings = Settings()
    if sandbox or tape is not None:
        replayed = stack.start_sandbox(
            stack.sandbox_home(settings), tape or simulated_tape(console, settings), reuse=True
        )
        os.environ.update(stack.sandbox_environment(replayed))
        settings = Settings()
    else:
        _warn_missing_settings(settings)
    with console.status("Starting Postgres"):
        stack.start_database(settings)
    with console.status("Starting the Prefect server"):
        environment = prefect_server.start_server(settings)
    with console.status("Applying the deployments"):
        stack.create_pool(environment)
        stack.deploy(environment)
        stack.start_worker(settings, environment)
    if settings.origin == "live":
        # commands in the foreground follow one that runs
        stack.stop_sandbox(stack.sandbox_home(settings))
    url = environment["PREFECT_API_URL"].removesuffix("/api")
    console.print(f"Prefect UI   {url}", soft_wrap=True)
    console.print(
        f"  sign in    {prefect_server.ui_login(settings)}", soft_wrap=True, highlight=False
    )
    console.print("Warehouse    make sql   (for notebooks and BI tools: rotation dsn)")
    console.print("Stop it all  make down")


def _warn_missing_settings(settings: Settings) -> None:
    if settings.fred_api_key is None:
        console.print(
            "[yellow]FRED_API_KEY is not set[/]: FRED's keyless CSV serves, without vintages. "
            "Keys are free: https://fred.stlouisfed.org/docs/api/api_key.html"
        )
    if settings.sec_user_agent is None:
        console.print(
            "[yellow]ROTATION_SEC_USER_AGENT is not set[/]: filings are not refreshed, and the "
            "runs say so. The SEC wants a name and an e-mail address."
        )


@app.command()
def down() -> None:
    """Stop everything that runs for this state folder."""
    stopped = stack.stop_all(Settings())
    console.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def status() -> None:
    """Say what runs, and what the warehouse holds."""
    settings = stack.load_settings()
    for name, facts in stack.status(settings).items():
        console.print(f"{name:<15} {'running' if facts else 'not running'}")
    if is_embedded(settings) and not embedded_server(settings).is_running():
        return
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


@app.command("run")
def run_flow(
    flow: Annotated[str, typer.Argument(help="daily, prices, macro, holdings, filings, derived.")],
) -> None:
    """Run one flow now, in the foreground, against the Prefect server of the stack."""
    entrypoints = ("daily", "prices", "macro", "holdings", "filings", "derived")
    if flow not in entrypoints:
        raise typer.BadParameter(f"{flow!r} is none of {', '.join(entrypoints)}.")
    raise typer.Exit(run_python(flow_command(flow)))


app.command()(backfill)


@app.command()
def rebuild(
    table: Annotated[list[str] | None, typer.Argument(help="Derived tables; none: all.")] = None,
) -> None:
    """Derive tables from scratch, and say how many of their rows came out differently."""
    from tasks.derive.rebuild import TABLES

    names = table or [*TABLES]
    if unknown := sorted(set(names) - set(TABLES)):
        raise typer.BadParameter(f"{', '.join(unknown)}: none of {', '.join(TABLES)}.")
    code = "import json, sys; from flows.derived import refresh_derived as flow; "
    code += "end = flow(rebuild=json.loads(sys.argv[1]), return_state=True); "
    code += "print(f'{end.name}: {end.message}'); sys.exit(0 if end.is_completed() else 1)"
    raise typer.Exit(run_python(["-c", code, json.dumps(names)]))


@app.command()
def health() -> None:
    """Say what is wrong, one line per fault, and exit with 1 where something is."""
    from tasks.health.checks import HealthIssue, run_health_checks

    use_stack_environment()
    settings = stack.load_settings()
    faults = run_health_checks(settings, now(settings))
    faults += [
        HealthIssue("service", name, "it does not run, so nothing does: make up")
        for name, facts in stack.status(settings).items()
        if name.startswith("prefect-") and not facts
    ]
    for fault in faults:
        console.print(str(fault), markup=False, highlight=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    console.print("All is well.")


@app.command()
def dsn(
    role: Annotated[Role, typer.Option(help="Whose: reader, loader or owner.")] = "reader",
) -> None:
    """Print a DSN of the warehouse, password included: the read-only role's unless asked."""
    print(warehouse_dsn(stack.load_settings(), role))


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="A query; none: a psql session.")] = None,
    role: Annotated[Role, typer.Option(help="As whom: reader, loader or owner.")] = "reader",
) -> None:
    """Query the warehouse, as the read-only role unless asked."""
    settings = stack.load_settings()
    psql = find_client_binary(settings, "psql")
    dsn = urlsplit(warehouse_dsn(settings, role))
    # in the environment, since other users see a process's arguments
    environment = os.environ | {"PGPASSWORD": unquote(dsn.password or "")}
    bare = dsn._replace(netloc=dsn.netloc.replace(f":{dsn.password}@", "@")).geturl()
    command = [str(psql), bare, *(["-c", query] if query else [])]
    # in this process's place, so that Ctrl-C is psql's alone: it ends a query, not the session
    os.execvpe(command[0], command, environment)


@app.command()
def schema(
    tables: Annotated[bool, typer.Option("--tables", help="Without views and functions.")] = False,
) -> None:
    """Print the SQL of the schema: tables, views and functions, generated ones included."""
    from warehouse.schema.tables import tables_sql
    from warehouse.schema.views import schema_sql

    print(tables_sql() if tables else schema_sql(), end="")


@app.command()
def checksum() -> None:
    """Print a content hash per published table; equal content has equal hashes."""
    with connect(stack.load_settings(), "reader") as connection:
        for each in checksums(connection):
            print(f"{each.digest}  {each.rows:>10}  {each.table}")


for command in (admin.backup, admin.restore, admin.passwords, admin.destroy):
    app.command()(command)


def main() -> None:
    """The entry point: expected failures end with their message, not with a traceback."""
    expected = (
        EmbeddedServerError,
        SandboxError,
        ServiceError,
        ServerTooOld,
        MigrationBlocked,
        UnknownSchemaRevision,
        DependentViewsError,
        BackupError,
        WarehouseNotEmpty,
        admin.StackRunning,
        InsecureDatabase,
        InvalidDatabaseUrl,
        RoleError,
        ClockError,
        psycopg.Error,
        ValidationError,
    )
    try:
        app()
    except expected as error:
        words = _error_message(error)
        Console(stderr=True).print(f"[red]{type(error).__name__}[/]: ", end="")
        Console(stderr=True).print(words, markup=False, highlight=False)
        sys.exit(1)


def _error_message(error: Exception) -> str:
    """What to say of a failure; of a setting, its name and fault but never its value."""
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "a setting in the environment or in .env is wrong. " + "; ".join(faults)
    return str(error)


if __name__ == "__main__":
    main()
