"""Brings a database to today's schema: roles, migrations, sessions, views, comments."""

from hashlib import sha256
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from psycopg import sql

from expectations import contracts
from warehouse.connections import (
    connect,
    database_name,
    embedded_server,
    is_embedded,
    own_server_dsn,
    role_login,
    warehouse_dsn,
)
from warehouse.embedded import ensure_database, read_or_make_secret
from warehouse.roles import ensure_roles
from warehouse.sessions import fill_sessions
from warehouse.settings import Settings

HERE = Path(__file__).parent
# any constant does; it keeps two migrations of one database apart
MIGRATION_LOCK = 7_203_115_001
OLDEST_SERVER = 150_000


class ServerTooOld(RuntimeError):
    """The server of DATABASE_URL is older than PostgreSQL 15."""


def prepare(settings: Settings) -> None:
    """Starts the embedded server if it is the one in use, and migrates. Safe to call at any time.

    Raises:
        EmbeddedServerError: when the embedded server can't be started.
        ServerTooOld: when DATABASE_URL's server is older than 15.
        RoleError: when DATABASE_URL's account may not create the roles.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    logins = {role_login("reader"): read_or_make_secret(settings.home / "rotation_reader.password")}
    if is_embedded(settings):
        superuser = embedded_server(settings).start()
        owner = role_login("owner")
        logins[owner] = read_or_make_secret(settings.home / f"{owner}.password")
    else:
        assert settings.database_url is not None
        superuser = own_server_dsn(settings.database_url.get_secret_value())
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise ServerTooOld(
                f"DATABASE_URL names a PostgreSQL {connection.info.server_version // 10000}; "
                "the warehouse needs 15 or newer."
            )
        # roles belong to the whole server: two warehouses on it may be prepared at once
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        ensure_roles(connection, logins)
        if not is_embedded(settings):
            connection.execute(
                sql.SQL("grant create on database {} to rotation_owner").format(
                    sql.Identifier(connection.info.dbname)
                )
            )
    if is_embedded(settings):
        ensure_database(superuser, database_name(settings), role_login("owner"))
    with connect(settings, "owner") as connection:
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        _migrate(settings)
        fill_sessions(connection)
        _apply_views(connection)


def _migrate(settings: Settings) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("path_separator", "os")
    # the URL goes in as an object: Alembic's own option would print it
    url = sqlalchemy.make_url(warehouse_dsn(settings, "owner")).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("create schema if not exists audit")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def _apply_views(connection: psycopg.Connection) -> None:
    """(Re)creates the views and the comments when a file behind them changed."""
    files = sorted((HERE / "views").glob("*.sql"))
    digest = sha256(repr([contract.columns for contract in contracts().values()]).encode())
    for file in files:
        digest.update(file.read_bytes())
    held = connection.execute(
        "select checksum from audit.reference where table_name = 'views'"
    ).fetchone()
    if held is not None and held[0] == digest.hexdigest():
        return
    for file in files:
        connection.execute(file.read_bytes())
    _comment(connection)
    connection.execute((HERE / "sql" / "comment_views.sql").read_bytes())
    connection.execute(
        """
        insert into audit.reference values ('views', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (digest.hexdigest(),),
    )


WAREHOUSE_COLUMNS = {
    "loaded_at": "When the warehouse came to hold the row.",
    "run_id": "The run that loaded it: audit.run.",
    "superseded_at": "When a newer row took its place.",
    "superseded_by": "The run that brought the newer row: audit.run.",
}


def _comment(connection: psycopg.Connection) -> None:
    """Writes the contracts' words into the database, for tables, their twins and the views."""
    for contract in contracts().values():
        twin = sql.Identifier("history", contract.table)
        table = sql.Identifier(contract.schema, contract.table)
        words = f"{contract.grain}. Source: {contract.source}."
        _comment_on(connection, "table", table, words)
        _comment_on(connection, "table", twin, f"Superseded rows of {contract.qualified}.")
        columns = {
            column.name: column.unit
            + ("" if column.null_means is None else f" NULL: {column.null_means}")
            for column in contract.columns
        }
        columns |= WAREHOUSE_COLUMNS
        for relation in (table, twin):
            for name, text in columns.items():
                if relation is twin or not name.startswith("superseded"):
                    column = sql.SQL(".").join((relation, sql.Identifier(name)))
                    _comment_on(connection, "column", column, text)


def _comment_on(
    connection: psycopg.Connection, kind: str, target: sql.Composable, words: str
) -> None:
    connection.execute(
        sql.SQL("comment on {} {} is {}").format(sql.SQL(kind), target, sql.Literal(words))
    )
