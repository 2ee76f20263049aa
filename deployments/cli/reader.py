"""Commands for the logins of people who query the warehouse."""

from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deployments.cli.query import settings_of_running_database
from deployments.stack.database import SERVICE, write_service
from warehouse.connect.dsn import administrator_dsn, warehouse_dsn
from warehouse.schema import readers
from warehouse.settings import Settings

app = typer.Typer(help="Add, revoke and list logins of readers.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Login: lower-case letters, digits, underscores.")]


def _connect(settings: Settings) -> psycopg.Connection:
    """Open a connection of the administrator in the warehouse's database."""
    database = conninfo_to_dict(warehouse_dsn(settings, "owner"))["dbname"]
    dsn = make_conninfo(administrator_dsn(settings), dbname=database)
    return psycopg.connect(dsn, autocommit=True)


@app.command()
def add(
    name: Name,
    show: Annotated[bool, typer.Option(help="Print the connection string, too.")] = False,
) -> None:
    """Create a read-only login, or renew its password; store it in a service file."""
    settings = settings_of_running_database()
    with _connect(settings) as connection:
        password = readers.add_reader(connection, name)
    parameters = conninfo_to_dict(warehouse_dsn(settings, "reader"))
    parameters |= {"user": name, "password": password}
    folder = settings.home.absolute() / "readers"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{name}.conf"
    write_service(file, parameters)
    print(f"Login {name}: send {file} to its owner over a private channel.")
    print(f"It works with: PGSERVICEFILE={file} psql service={SERVICE}")
    if show:
        print(make_conninfo("", **parameters))


@app.command()
def revoke(name: Name) -> None:
    """End the sessions of a login and drop it."""
    settings = settings_of_running_database()
    with _connect(settings) as connection:
        readers.revoke_reader(connection, name)
    (settings.home / "readers" / f"{name}.conf").unlink(missing_ok=True)
    print(f"Revoked {name}.")


@app.command("list")
def list_logins() -> None:
    """Print the logins of readers and their open connections."""
    with _connect(settings_of_running_database()) as connection:
        for reader in readers.list_readers(connection):
            state = f"{reader.connections} connections" if reader.can_log_in else "cannot log in"
            print(f"{reader.name:<32} {state}")
