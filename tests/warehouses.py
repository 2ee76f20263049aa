"""Makes warehouses for tests: copies of a migrated template, or of a filled warehouse."""

from uuid import uuid4

import psycopg
from psycopg import sql

from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

CREATE = "create database {} template {} strategy file_copy owner rotation_owner"


def create_warehouse(
    server: EmbeddedServer, template: str, filled: Settings | None = None
) -> Settings:
    """Copies a database, which nobody may be connected to, into a new one.

    Args:
        server: The running server.
        template: The name of a migrated, empty database.
        filled: Of the warehouse to copy instead; the copy's `audit.origin` is set to its own.
    """
    source = template if filled is None else database_name(filled)
    settings = Settings(home=server.home, origin=f"test-{uuid4().hex[:12]}")
    names = (sql.Identifier(name) for name in (database_name(settings), source))
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL(CREATE).format(*names))
    if filled:
        with connect(settings, "owner") as connection:
            connection.execute("update audit.origin set origin = %s", (settings.origin,))
    return settings
