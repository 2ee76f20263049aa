"""Ways into the warehouse: one DSN per role, psycopg for SQL, ADBC for bulk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from adbc_driver_postgresql import dbapi as adbc
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.embedded import EmbeddedServer, make_dsn, read_or_make_secret
from warehouse.settings import Settings

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

    Owner and loader log in with one account and step into their role; the reader has a login of
    its own, so that no `reset role` leads out of it.

    Raises:
        EmbeddedServerError: when the embedded server does not run.
    """
    secret = read_or_make_secret(settings.home / f"{role_login(role)}.password")
    if settings.database_url is None:
        port = urlsplit(embedded_server(settings).dsn()).port
        assert port is not None
        dsn = make_dsn(role_login(role), secret, port, database_name(settings))
    else:
        dsn = own_server_dsn(settings.database_url.get_secret_value())
        if role == "reader":
            return _with_login(dsn, role_login(role), secret)
    return dsn if role == "reader" else _with_role(dsn, f"rotation_{role}")


def role_login(role: Role) -> str:
    """The account with which a role logs in to the embedded server."""
    return "rotation_reader" if role == "reader" else "rotation_owner"


def own_server_dsn(database_url: str) -> str:
    """DATABASE_URL as a URL that every client takes, whatever form it was written in."""
    if database_url.startswith(("postgresql://", "postgres://")):
        return "postgresql://" + database_url.split("://", 1)[1]
    parts = conninfo_to_dict(database_url)
    login = quote(str(parts.get("user", "")), safe="")
    if parts.get("password"):
        login += ":" + quote(str(parts["password"]), safe="")
    host = parts.get("host", "localhost")
    return f"postgresql://{login}@{host}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


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
