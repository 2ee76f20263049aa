"""Create ports, secrets, DSNs and databases for servers on loopback."""

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from warehouse.server.binaries import EmbeddedServerError


def make_dsn(user: str, password: str, port: int, database: str) -> str:
    """Return a DSN for a server on loopback, as a URL for psql, psycopg, ADBC and SQLAlchemy."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def get_or_create_secret(path: Path) -> str:
    """Return the secret of a file, created with mode 0600 at the first call."""
    if not path.exists():
        # write a temporary file and link it, so that another process never reads half a secret
        partial = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        with suppress(FileExistsError):  # another process has created it first
            os.link(partial, path)
        partial.unlink()
    return path.read_text().strip()


def free_port(preferred: int | None = None) -> int:
    """Return a free TCP port on loopback, the preferred one if it is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedServerError("No free TCP port on 127.0.0.1.")


def ensure_database(superuser_dsn: str, name: str, owner: str) -> None:
    """Create a database with this owner unless it exists."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", (name,))
        if found.fetchone() is None:
            connection.execute(
                sql.SQL("create database {} owner {}").format(
                    sql.Identifier(name), sql.Identifier(owner)
                )
            )
