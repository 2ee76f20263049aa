"""Brings a backup back: all of it in one transaction, so that a failure leaves what was there."""

import zipfile
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import psycopg
import pyarrow as pa
import sqlalchemy
from psycopg import sql

from warehouse.backup.backup import (
    BACKED_UP_SCHEMAS,
    CHUNK_BYTES,
    PORTABLE_TEXT_SETTINGS,
    BackupError,
    Manifest,
    copy_statement,
    read_manifest,
    stored_tables,
)
from warehouse.backup.checksum import checksums
from warehouse.base_error import RotationError
from warehouse.connect.connections import is_embedded
from warehouse.schema.migrate import (
    LOCK_TIMEOUT,
    ensure_database_and_roles,
    ensure_up_to_date,
    has_revision,
    migrate_to,
    owner_engine,
    translate_lock_timeout,
)
from warehouse.schema.views import VIEW_SCHEMAS, apply_views, views_digest
from warehouse.settings import Settings


class WarehouseNotEmpty(RotationError):
    """The warehouse holds something that a restore would replace."""


def restore_backup(
    settings: Settings,
    file: Path,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda table: None,
) -> tuple[Settings, Manifest]:
    """Restores a backup into an empty warehouse, then brings it to today's schema.

    Every row is counted, and the published tables' content hashes must be those of the backup
    before anything is committed.

    Args:
        settings: Of the warehouse. On the embedded server each origin has a database of its own,
            and the backup goes to its origin's.
        file: The backup.
        overwrite: Replace a warehouse that is not empty. What others built on its views goes too.
        progress: Is told each table.

    Returns:
        The settings of the restored warehouse; what the backup held.

    Raises:
        BackupError: when the backup is not whole, is a newer version's, or comes out otherwise.
        NotEmpty: when the warehouse holds runs and `overwrite` was not said.
        MigrationBlocked: when somebody's transaction holds a table for a minute.
    """
    manifest = read_manifest(file)
    if not has_revision(manifest.revision):
        raise BackupError(
            f"{file} holds the schema of migration {manifest.revision}, which this version does "
            "not know: restore it with the version that wrote it, or a newer one."
        )
    if is_embedded(settings) and manifest.origin is not None:
        settings = settings.model_copy(update={"origin": manifest.origin})
    ensure_database_and_roles(settings)
    engine = owner_engine(settings)
    try:
        with translate_lock_timeout(), engine.begin() as outer:
            connection = outer.connection.driver_connection
            assert isinstance(connection, psycopg.Connection)
            connection.execute(PORTABLE_TEXT_SETTINGS)
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            if _has_runs(connection) and not overwrite:
                raise WarehouseNotEmpty(
                    "The warehouse is not empty, and restoring would replace all of it. Take a "
                    "backup of it first, then say --overwrite."
                )
            _load_members(outer, connection, file, manifest, progress)
            progress("today's schema")
            migrate_to(outer, "head")
            apply_views(connection, force=True)
            progress("content hashes")
            _compare(connection, file, manifest)
    finally:
        engine.dispose()
    # what is not rows of the backup: an older one knew nothing of it
    ensure_up_to_date(settings)
    return settings, manifest


def _has_runs(connection: psycopg.Connection) -> bool:
    there = connection.execute("select to_regclass('audit.run') is not null").fetchone()
    if there != (True,):
        return False
    return connection.execute("select exists (select from audit.run)").fetchone() == (True,)


def _load_members(
    outer: sqlalchemy.Connection,
    connection: psycopg.Connection,
    file: Path,
    manifest: Manifest,
    progress: Callable[[str], None],
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, [*BACKED_UP_SCHEMAS, *VIEW_SCHEMAS]))
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(names))
    migrate_to(outer, manifest.revision)
    columns = stored_tables(connection)
    members = {member.table: member for member in manifest.members}
    if unknown := sorted(members.keys() - columns.keys()):
        raise BackupError(f"{file}: no migration makes {', '.join(unknown)}.")
    tables = sql.SQL(", ").join(sql.Identifier(*name.split(".")) for name in columns)
    # a migration may have filled some
    connection.execute(sql.SQL("truncate {}").format(tables))
    with zipfile.ZipFile(file) as archive:
        for table in _foreign_key_order(connection, members):
            progress(table)
            member = members[table]
            statement = copy_statement(table, member.columns, "from stdin")
            with archive.open(member.name) as packed, connection.cursor() as cursor:
                with cursor.copy(statement) as copy, pa.input_stream(packed, "zstd") as rows:
                    while piece := rows.read(CHUNK_BYTES):
                        copy.write(piece)
                if cursor.rowcount != member.rows:
                    raise BackupError(
                        f"{file}: {table} came out with {cursor.rowcount} rows, not {member.rows}."
                    )
    for name, last in manifest.sequences.items():
        if last is not None:
            connection.execute("select setval(%s::regclass, %s)", (name, last))
    # the planner knows nothing of new tables
    connection.execute(sql.SQL("analyze {}").format(tables))


def _foreign_key_order(connection: psycopg.Connection, members: Mapping[str, object]) -> list[str]:
    """The tables, each after those that its foreign keys point to."""
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(members, ()))
    for table, target in connection.execute(
        """
        select space.nspname || '.' || child.relname, other.nspname || '.' || parent.relname
        from pg_constraint
        join pg_class as child on child.oid = conrelid
        join pg_namespace as space on space.oid = child.relnamespace
        join pg_class as parent on parent.oid = confrelid
        join pg_namespace as other on other.oid = parent.relnamespace
        where contype = 'f' and conrelid <> confrelid and space.nspname = any (%s)
        """,
        (BACKED_UP_SCHEMAS,),
    ):
        order.add(table, target)
    return [name for name in order.static_order() if name in members]


def _compare(connection: psycopg.Connection, file: Path, manifest: Manifest) -> None:
    """Raises where the published tables are not the backup's; another version's may differ."""
    if manifest.views != views_digest():
        return
    for each in checksums(connection):
        if manifest.checksums.get(each.table) != f"{each.rows} {each.digest}":
            raise BackupError(
                f"{file}: published.{each.table} came out otherwise than it was; nothing was kept."
            )
