"""Commands that read the warehouse; they start the embedded database and leave it running.

Commands import what loads pandas or Altair themselves, since that takes a second or two.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer
from rich.console import Console

from deployments.stack.database import ensure_database_running, load_settings
from warehouse.connect.connections import adbc_connection, connect
from warehouse.connect.dsn import Role, find_client_binary, warehouse_dsn
from warehouse.settings import Settings

if TYPE_CHECKING:
    from warehouse.export.catalogue import CatalogueTable


def settings_of_running_database() -> Settings:
    """Start the embedded database if it is down; return the settings."""
    settings = load_settings()
    if ensure_database_running(settings):
        # stdout has only the command's result
        Console(stderr=True).print("PostgreSQL was started; stop it with: make down")
    return settings


def sql(
    query: Annotated[str | None, typer.Argument(help="Query; default: a psql session.")] = None,
    role: Annotated[Role, typer.Option(help="Login: reader, loader or owner.")] = "reader",
) -> None:
    """Open psql, or run one query, as the read-only role by default."""
    settings = settings_of_running_database()
    psql = find_client_binary(settings, "psql")
    dsn = urlsplit(warehouse_dsn(settings, role))
    # in the environment, since other accounts can read the arguments of a process
    environment = os.environ | {"PGPASSWORD": unquote(dsn.password or "")}
    bare = dsn._replace(netloc=dsn.netloc.replace(f":{dsn.password}@", "@")).geturl()
    command = [str(psql), bare, *(["-c", query] if query else [])]
    # psql replaces this process, so that Ctrl-C cancels a query and not the session
    os.execvpe(command[0], command, environment)


def dsn(
    role: Annotated[Role, typer.Option(help="Login: reader, loader or owner.")] = "reader",
) -> None:
    """Print the DSN with its password, for notebooks and BI tools."""
    print(warehouse_dsn(settings_of_running_database(), role))


def report(
    output: Annotated[
        Path | None, typer.Option(help="File to write; default: reports/ in ROTATION_HOME.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder for the main charts as PNG files.")
    ] = None,
) -> None:
    """Write the report: one HTML file to open offline, print or mail."""
    from tasks.report.build import main_charts, render_png, write_report
    from tasks.report.path import report_path

    settings = settings_of_running_database()
    path = output or report_path(settings)
    figures = write_report(settings, path, datetime.now(UTC))
    print(path.absolute())
    if images is not None:
        images.mkdir(parents=True, exist_ok=True)
        for figure in main_charts(figures):
            (images / f"{figure.name}.png").write_bytes(render_png(figure))


def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files.")],
    table: Annotated[
        list[str] | None, typer.Option(help="Published table; repeat it for several; default: all.")
    ] = None,
) -> None:
    """Write published tables as Parquet, one file per year; only changed years are rewritten."""
    from warehouse.export.parquet import export_tables

    with adbc_connection(settings_of_running_database(), "reader") as connection:
        for file in export_tables(connection, table or (), folder):
            print(f"{'written' if file.is_written else 'unchanged'}  {file.rows:>10}  {file.path}")


Output = Annotated[Path | None, typer.Option(help="File to write; default: standard output.")]


def dictionary(output: Output = None) -> None:
    """Write the data dictionary: a Markdown page of all tables and columns."""
    from warehouse.export.data_dictionary import data_dictionary

    _write(data_dictionary(_catalogue()), output)


def contract(output: Output = None) -> None:
    """Write the data contract of schema published (Open Data Contract Standard, YAML)."""
    from warehouse.export.odcs import data_contract

    _write(data_contract(_catalogue()), output)


def _catalogue() -> "list[CatalogueTable]":
    from warehouse.export.catalogue import read_catalogue

    with adbc_connection(settings_of_running_database(), "reader") as connection:
        return read_catalogue(connection)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")


def checksum() -> None:
    """Print a content checksum per published table; equal content has equal checksums."""
    from warehouse.backup.checksum import checksums

    with connect(settings_of_running_database(), "reader") as connection:
        for each in checksums(connection):
            print(f"{each.digest}  {each.rows:>10}  {each.table}")


def schema(
    tables: Annotated[bool, typer.Option("--tables", help="Without views and functions.")] = False,
) -> None:
    """Print the SQL of the schema: tables, views and functions, generated ones included."""
    from warehouse.schema.tables import tables_sql
    from warehouse.schema.views import schema_sql

    print(tables_sql() if tables else schema_sql(), end="")
