"""Makes warehouses for tests: copies of a migrated template, or of a filled warehouse."""

from uuid import uuid4

import psycopg
from psycopg import sql

from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

CREATE = "create database {} template {} strategy file_copy owner rotation_owner"


def create_warehouse(server: EmbeddedServer, source: str, filled: bool = False) -> Settings:
    """Copies a database, which nobody may be connected to, into a new one.

    Args:
        server: The running server.
        source: The name of the database.
        filled: Whether flows have run in it; the copy accepts the runs of its own settings.
    """
    settings = Settings(home=server.home, origin=f"test-{uuid4().hex[:12]}")
    names = (sql.Identifier(name) for name in (database_name(settings), source))
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL(CREATE).format(*names))
    if filled:
        with connect(settings, "owner") as connection:
            connection.execute("update audit.origin set origin = %s", (settings.origin,))
    return settings
