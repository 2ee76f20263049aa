"""The command line `rotation`: services, flows, queries and administration."""

import sys

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console

from deployments.cli import admin, commands, query
from deployments.cli.backfill import backfill
from deployments.sandbox.launch import SandboxError
from deployments.stack.processes import ServiceError
from tasks.run.clock import ClockError
from warehouse.backup.backup import BackupError
from warehouse.backup.restore import WarehouseNotEmpty
from warehouse.connect.connections import InvalidDatabaseUrl
from warehouse.connect.tls import InsecureDatabase
from warehouse.schema.migrate import MigrationBlocked, ServerTooOld
from warehouse.schema.roles import RoleError
from warehouse.schema.views import DependentViewsError
from warehouse.server.binaries import EmbeddedServerError

EXPECTED_ERRORS = (
    EmbeddedServerError,
    SandboxError,
    ServiceError,
    ServerTooOld,
    MigrationBlocked,
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
COMMANDS = {
    "Services": (commands.demo, commands.up, commands.down, commands.status, commands.health),
    "Flows": (commands.run, backfill, commands.rebuild),
    "Queries": (query.sql, query.dsn, query.checksum),
    "Administration": (admin.backup, admin.restore, admin.rotate_passwords, admin.destroy),
}

app = typer.Typer(
    help="The Great Rotation warehouse: point-in-time SQL tables on small caps and mega-caps.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for panel, functions in COMMANDS.items():
    for function in functions:
        app.command(rich_help_panel=panel)(function)


def main() -> None:
    """Run the command line; expected errors end with their message instead of a traceback."""
    try:
        app()
    except EXPECTED_ERRORS as error:
        console = Console(stderr=True)
        console.print(f"[red]{type(error).__name__}[/]: ", end="")
        console.print(_error_message(error), markup=False, highlight=False)
        sys.exit(1)


def _error_message(error: Exception) -> str:
    """Return the message of an error; for a setting its name and error, never its value."""
    if isinstance(error, ValidationError):
        errors = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return "A setting in the environment or in .env is invalid. " + "; ".join(errors)
    return str(error)
