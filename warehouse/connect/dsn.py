"""DSNs and passwords of the warehouse: one login per role."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from warehouse.base_error import RotationError
from warehouse.connect.tls import require_tls
from warehouse.server.embedded import EmbeddedServer
from warehouse.server.local import get_or_create_secret, make_dsn
from warehouse.settings import Settings

Role = Literal["owner", "loader", "reader"]
# has the rights of all readers and cannot log in
READER_GROUP = "rotation_reader"
BUILT_IN_READER = "rotation_sql"


class InvalidDatabaseUrl(RotationError):
    """DATABASE_URL cannot be parsed by libpq; the message quotes no part of it."""


def embedded_server(settings: Settings) -> EmbeddedServer:
    """Return the embedded server of these settings, whether or not it is in use (`is_embedded`)."""
    return EmbeddedServer(settings.home.absolute(), settings.postgres_bin)


def is_embedded(settings: Settings) -> bool:
    """Return whether the embedded server stores the warehouse: no DATABASE_URL is set."""
    return settings.database_url is None


def database_name(settings: Settings) -> str:
    """Return the embedded server's database of an origin; live data and tapes never share one."""
    if settings.origin == "live":
        return "rotation"
    return "rotation_" + "".join(c if c.isalnum() else "_" for c in settings.origin.lower())


def warehouse_dsn(settings: Settings, role: Role = "loader") -> str:
    """Return the DSN of the warehouse for a role, as a URL.

    Each role has its own login, so `reset role` gives no more rights. On an external server the
    owner logs in with DATABASE_URL's account and sets its role.

    Raises:
        EmbeddedServerError: the embedded server is not running.
        InsecureDatabase: DATABASE_URL would send data unencrypted to another machine.
    """
    if settings.database_url is None:
        # first, because a server that is not running has its own message
        port = urlsplit(embedded_server(settings).dsn()).port
        assert port is not None
        password = role_password(settings, role)
        return make_dsn(role_user(role), password, port, database_name(settings))
    dsn = external_dsn(settings.database_url.get_secret_value())
    login = urlsplit(dsn)
    if login.username == role_user(role) and login.password:
        return dsn
    if role == "owner":
        return _with_role(dsn, role_user(role))
    return _with_login(dsn, role_user(role), role_password(settings, role))


def role_password(settings: Settings, role: Role) -> str:
    """Return the password of a role: from the settings, else from the state folder.

    The first call creates the file in the state folder.
    """
    passwords = {"loader": settings.loader_password, "reader": settings.reader_password}
    if (password := passwords.get(role)) is not None:
        return password.get_secret_value()
    return get_or_create_secret(password_file(settings, role))


def password_file(settings: Settings, role: Role) -> Path:
    """Return the file in the state folder that has the password of a role."""
    return settings.home / f"{role_user(role)}.password"


def role_user(role: Role) -> str:
    """Return the PostgreSQL login of a role; for the reader the built-in one."""
    return BUILT_IN_READER if role == "reader" else f"rotation_{role}"


def find_client_binary(settings: Settings, name: str) -> Path:
    """Return the path of a PostgreSQL client program: psql, pg_dump.

    For an external server this machine's program comes first: the wheel's has no TLS.
    """
    found = None if is_embedded(settings) or settings.postgres_bin else shutil.which(name)
    return Path(found) if found else embedded_server(settings).program_folder() / name


def administrator_dsn(settings: Settings) -> str:
    """Return the DSN of the account that makes roles.

    Raises:
        EmbeddedServerError: The embedded server is not running.
    """
    if is_embedded(settings):
        return embedded_server(settings).dsn()
    assert settings.database_url is not None
    return external_dsn(settings.database_url.get_secret_value())


def external_dsn(database_url: str) -> str:
    """Return DATABASE_URL, a URL or a conninfo string, as a URL that every client accepts.

    Raises:
        InvalidDatabaseUrl: libpq cannot parse it.
        InsecureDatabase: it would send data unencrypted to another machine.
    """
    # libpq's URLs have no SQLAlchemy driver names
    plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)
    conninfo: dict[str, object] | None = None
    with suppress(psycopg.ProgrammingError):
        conninfo = dict(conninfo_to_dict(plain))
    # after an unquoted @ or / the rest of a password is parsed as host or port, which errors show
    if (
        conninfo is None
        or "@" in str(conninfo.get("host", ""))[1:]
        or not re.fullmatch("[0-9,]*", str(conninfo.get("port", "")))
    ):
        raise InvalidDatabaseUrl(
            "DATABASE_URL cannot be parsed. Special characters in its password must be "
            "percent-encoded (@ is %40, % is %25, / is %2F). Expected form: "
            "postgresql://user:password@host:5432/database"
        )
    parts = require_tls({name: str(value) for name, value in conninfo.items()})
    quoted = {name: quote(value, safe="") for name, value in parts.items()}
    login = quoted.pop("user", "")
    if "password" in quoted:
        login += ":" + quoted.pop("password")
    database = quoted.pop("dbname", "")
    # socket folders and host lists are allowed in the query only
    query = "&".join(f"{name}={value}" for name, value in quoted.items())
    return f"postgresql://{login}@/{database}" + (f"?{query}" if query else "")


def _with_role(dsn: str, role: str) -> str:
    separator = "&" if urlsplit(dsn).query else "?"
    return f"{dsn}{separator}options={quote(f'-c role={role}')}"


def _with_login(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
