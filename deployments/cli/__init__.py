"""The command line `rotation`: services, flows, queries and administration."""

import errno
import sys

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console

from deployments.cli import admin, commands, query
from deployments.cli.backfill import backfill
from deployments.cli.doctor import doctor
from deployments.cli.reader import app as reader_app
from warehouse.base_error import RotationError
from warehouse.settings import Settings, variable_name

COMMANDS = {
    "Services": (
        *(doctor, commands.demo, commands.up, commands.down, commands.status, commands.health),
    ),
    "Flows": (commands.run, commands.import_holdings, backfill, commands.rebuild),
    "Queries": (query.report, query.export, query.sql, query.dsn, query.checksum),
    "Schema": (query.schema, query.dictionary, query.contract),
    "Administration": (admin.backup, admin.restore, admin.rotate_passwords, admin.destroy),
}

# other errors are defects, and show their traceback
EXPECTED_ERRORS = (RotationError, ValidationError, psycopg.Error, OSError, UnicodeError)

app = typer.Typer(
    help="The Great Rotation warehouse: point-in-time SQL tables on small caps and mega-caps.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for panel, functions in COMMANDS.items():
    for function in functions:
        app.command(rich_help_panel=panel)(function)
app.add_typer(reader_app, name="reader", rich_help_panel="Administration")


def main() -> None:
    """Run the command line; expected errors end with their message instead of a traceback."""
    try:
        Settings()  # first, so that every command tells of a misspelt variable
        app()
    except EXPECTED_ERRORS as error:
        console = Console(stderr=True)
        console.print(f"[red]{type(error).__name__}[/]: ", end="")
        console.print(error_message(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def error_message(error: Exception) -> str:
    """Return the message of an error; for a setting its name and error, never its value."""
    if isinstance(error, ValidationError):
        errors = (
            _setting_error(str(each["loc"][0]) if each["loc"] else "", each["msg"])
            for each in error.errors()
        )
        return "A setting in the environment or in .env is invalid. " + " ".join(errors)
    if isinstance(error, OSError):
        return _os_error(error)
    if isinstance(error, UnicodeDecodeError):
        return f"A file is no {error.encoding} text: {error.reason}. Save it again as UTF-8."
    return str(error)


def _setting_error(name: str, message: str) -> str:
    variable = variable_name(name) if name in Settings.model_fields else name
    sentence = message.removeprefix("Value error, ").removesuffix(".")
    return f"{variable}: {sentence}." if variable else f"{sentence}."


def _os_error(error: OSError) -> str:
    """Return what failed, on which file, and what to do."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"{reason}. Run the command again."
    files = " and ".join(str(each) for each in (error.filename, error.filename2) if each)
    if isinstance(error, FileNotFoundError):
        advice = "Check that the path is right and its folder exists."
    elif error.errno == errno.ENOSPC:
        advice = "Free disk space, then run the command again."
    else:
        advice = "Check that the path is right and that this account may write to it."
    return (
        f"{files}: {reason}. {advice} The state folder is set by ROTATION_HOME; .env is in the"
        " checkout."
    )
