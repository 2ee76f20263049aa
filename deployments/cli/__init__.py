"""The command line `rotation`: services, flows, queries and administration."""

import sys

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console

from deployments.cli import admin, commands, query
from deployments.cli.backfill import backfill
from warehouse.base_error import RotationError

COMMANDS = {
    "Services": (commands.demo, commands.up, commands.down, commands.status, commands.health),
    "Flows": (commands.run, backfill, commands.rebuild),
    "Queries": (query.report, query.export, query.sql, query.dsn, query.checksum, query.schema),
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
    except (RotationError, psycopg.Error, ValidationError) as error:
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
