"""Ways into the warehouse: one DSN per role, psycopg for SQL, ADBC for bulk."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from adbc_driver_postgresql import dbapi as adbc
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.embedded import EmbeddedServer, make_dsn, read_or_make_secret
from warehouse.settings import Settings
from warehouse.transport import require_tls

Role = Literal["owner", "loader", "reader"]


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
        login, database = role_login(role), database_name(settings)
        return make_dsn(login, role_password(settings, role), port, database)
    dsn = own_server_dsn(settings.database_url.get_secret_value())
    held = urlsplit(dsn)
    if held.username == role_login(role) and held.password:
        return dsn
    if role == "owner":
        return _with_role(dsn, role_login(role))
    return _with_login(dsn, role_login(role), role_password(settings, role))


def role_password(settings: Settings, role: Role) -> str:
    """The password of a role: the setting's, else that of the file in the state folder.

    The file is made at the first call.
    """
    given = {"loader": settings.loader_password, "reader": settings.reader_password}.get(role)
    if given is not None:
        return given.get_secret_value()
    return read_or_make_secret(password_file(settings, role))


def password_file(settings: Settings, role: Role) -> Path:
    """Where the state folder keeps the password of a role."""
    return settings.home / f"{role_login(role)}.password"


def role_login(role: Role) -> str:
    """The account with which a role logs in."""
    return f"rotation_{role}"


def client_program(settings: Settings, name: str) -> Path:
    """A client program of PostgreSQL's: psql, pg_dump.

    For a server of your own this machine's program comes first: the wheel's knows no TLS.
    """
    found = None if is_embedded(settings) or settings.postgres_bin else shutil.which(name)
    return Path(found) if found else embedded_server(settings).program_folder() / name


def own_server_dsn(database_url: str) -> str:
    """DATABASE_URL as a URL that every client takes, whatever form it was written in.

    Raises:
        InsecureDatabase: when it would not encrypt what goes to another machine.
    """
    # SQLAlchemy's drivers are no part of libpq's URLs
    said = conninfo_to_dict(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url))
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


@contextmanager
def connect(settings: Settings, role: Role = "loader") -> Iterator[psycopg.Connection]:
    """A psycopg connection; commits at the end of the block, rolls back when it raises."""
    dsn = make_conninfo(warehouse_dsn(settings, role), application_name=f"rotation {role}")
    with psycopg.connect(dsn) as connection:
        yield connection


@contextmanager
def bulk(settings: Settings, role: Role = "loader") -> Iterator[adbc.Connection]:
    """An ADBC connection for Arrow in and out; one transaction, committed by the caller."""
    with adbc.connect(warehouse_dsn(settings, role)) as connection:
        yield connection
