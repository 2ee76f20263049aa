"""Connections to the warehouse: psycopg for SQL, ADBC for bulk data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import adbc_driver_postgresql
import psycopg
from adbc_driver_manager import AdbcConnection, AdbcDatabase
from adbc_driver_manager import OperationalError as AdbcOperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.connect.dsn import Role, warehouse_dsn
from warehouse.server.binaries import EmbeddedServerError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from adbc_driver_postgresql import dbapi as adbc

T = TypeVar("T")

# server settings of our connections
SERVER_SESSION_OPTIONS = {
    # cancel a running statement when its client disconnects
    "client_connection_check_interval": "1000",
    # detect a vanished client machine within two minutes, and release its locks
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}
# client settings that detect a vanished server machine
CLIENT_KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
# a server killed under load has recovered after this time
RESTART_SECONDS = 30.0
# server process ids of the open ADBC connections
_bulk_backends: set[int] = set()


def _session_dsn(settings: Settings, role: Role) -> str:
    """Return the DSN of our own connections: with an application name and server settings."""
    conninfo = conninfo_to_dict(warehouse_dsn(settings, role))
    session_options = (
        []
        if role == "reader"
        else [f"-c {name}={value}" for name, value in SERVER_SESSION_OPTIONS.items()]
    )
    options = " ".join([str(conninfo.get("options", "")), *session_options]).strip()
    defaults: dict[str, str | int | None] = {
        "application_name": f"rotation {role}",
        **CLIENT_KEEPALIVE,
    }
    return make_conninfo("", **(defaults | conninfo | {"options": options}))


def _open(opener: Callable[[str], T], settings: Settings, role: Role) -> T:
    """Open a connection; the loader waits for a server that is restarting."""
    deadline = time.monotonic() + (RESTART_SECONDS if role == "loader" else 0)
    while True:
        try:
            return opener(_session_dsn(settings, role))
        except (psycopg.OperationalError, AdbcOperationalError, EmbeddedServerError) as error:
            if time.monotonic() > deadline or not _is_transient(str(error)):
                raise
        time.sleep(0.5)


def _is_transient(message: str) -> bool:
    # FATAL includes wrong passwords and names, where a retry cannot help
    is_final = "FATAL" in message
    return not is_final or any(word in message for word in ("starting up", "shutting", "recovery"))


def open_autocommit_connection(settings: Settings) -> psycopg.Connection:
    """Open a psycopg connection of the loader in autocommit mode, for session-level locks."""
    return _open(lambda dsn: psycopg.connect(dsn, autocommit=True), settings, "loader")


@contextmanager
def connect(settings: Settings, role: Role = "loader") -> Iterator[psycopg.Connection]:
    """Open a psycopg connection; commit at the end of the block, roll back on an exception."""
    with _open(lambda dsn: psycopg.connect(dsn), settings, role) as connection:
        yield connection


class _SharedDatabase:
    """Stand-in for a database handle that several ADBC connections share."""

    def close(self) -> None:
        """Keep the shared database open for the other connections."""


@lru_cache(maxsize=4)
def _bulk_database(dsn: str) -> AdbcDatabase:
    # opening a database reads the type catalogue: 40 ms, against 5 ms for a connection;
    # the cached catalogue is safe to reuse: core.finite, our only type, is a domain, and
    # the server reports a domain as its base type
    database: AdbcDatabase = adbc_driver_postgresql.connect(dsn)
    return database


def _open_bulk(dsn: str) -> adbc.Connection:
    # imports Arrow and pandas, a second that SQL alone does not need
    from adbc_driver_postgresql import dbapi as adbc

    handle = AdbcConnection(_bulk_database(dsn))
    try:
        return adbc.Connection(_SharedDatabase(), handle)
    except BaseException:
        handle.close()
        raise


@contextmanager
def adbc_connection(settings: Settings, role: Role = "loader") -> Iterator[adbc.Connection]:
    """Open an ADBC connection for Arrow tables; one transaction, committed by the caller."""
    with _open(_open_bulk, settings, role) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            backend = int(cursor.fetchone()[0])
        connection.rollback()  # start the caller's transaction with the caller's first statement
        _bulk_backends.add(backend)
        try:
            yield connection
        finally:
            _bulk_backends.discard(backend)


def cancel_bulk_statements(settings: Settings) -> None:
    """Cancel the statements that run on this process's ADBC connections."""
    with connect(settings) as connection:
        # the right to cancel belongs to the login, not to the role it has set
        connection.execute("set role none")
        connection.execute(
            "select pg_cancel_backend(pid) from unnest(%s::integer[]) as pid", ([*_bulk_backends],)
        )
