"""Restore a backup in one transaction, so that a failure changes nothing."""

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
    TableEntry,
    copy_statement,
    read_manifest,
    stored_tables,
)
from warehouse.backup.checksum import checksums
from warehouse.base_error import RotationError
from warehouse.connect.dsn import is_embedded
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
    """The warehouse has runs, which a restore would delete."""


def restore_backup(
    settings: Settings,
    file: Path,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda table: None,
) -> tuple[Settings, Manifest]:
    """Restore a backup into an empty warehouse, then migrate it to the current schema.

    Before the commit, row counts and the content checksums of the published tables are compared
    with the manifest.

    Args:
        settings: Of the warehouse. The embedded server has one database per origin; the backup is
            restored into the database of its origin.
        file: The backup.
        overwrite: Replace a warehouse that is not empty, with all objects that depend on its views.
        progress: Called with the name of each table.

    Returns:
        The settings of the restored warehouse; the manifest.

    Raises:
        BackupError: If the backup is damaged, of a newer schema, or restores to other content.
        WarehouseNotEmpty: If the warehouse has runs and `overwrite` is not set.
        MigrationBlocked: If another session holds a lock on a table for a minute.
    """
    manifest = read_manifest(file)
    if not has_revision(manifest.revision):
        raise BackupError(
            f"{file} has schema revision {manifest.revision}, which this version does not know: "
            "restore it with the version that wrote it, or a newer one."
        )
    if is_embedded(settings) and manifest.origin is not None:
        settings = settings.model_copy(update={"origin": manifest.origin})
    ensure_database_and_roles(settings)
    engine = owner_engine(settings)
    try:
        with translate_lock_timeout(settings), engine.begin() as outer:
            connection = outer.connection.driver_connection
            assert isinstance(connection, psycopg.Connection)
            connection.execute(PORTABLE_TEXT_SETTINGS)
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            if _has_runs(connection) and not overwrite:
                raise WarehouseNotEmpty(
                    "The warehouse is not empty, and a restore replaces all of it. Make a backup "
                    "of it first, then add --overwrite."
                )
            _load_members(outer, connection, file, manifest, progress)
            progress("migrations and views")
            migrate_to(outer, "head")
            apply_views(connection, force=True)
            progress("content checksums")
            _compare(connection, file, manifest)
    finally:
        engine.dispose()
    # fill what an older backup does not contain (calendar, macro_series)
    ensure_up_to_date(settings)
    return settings, manifest


def _has_runs(connection: psycopg.Connection) -> bool:
    has_schema = connection.execute("select to_regclass('audit.run') is not null").fetchone()
    if has_schema != (True,):
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
        raise BackupError(f"{file}: no migration creates {', '.join(unknown)}.")
    tables = sql.SQL(", ").join(sql.Identifier(*name.split(".")) for name in columns)
    # migrations may have inserted rows
    connection.execute(sql.SQL("truncate {}").format(tables))
    with zipfile.ZipFile(file) as archive:
        for table in _foreign_key_order(connection, members):
            progress(table)
            member = members[table]
            with connection.cursor() as cursor:
                try:
                    _copy_rows(cursor, archive, member)
                except (psycopg.DataError, psycopg.IntegrityError, OSError) as error:
                    kind = type(error).__name__
                    raise BackupError(f"{file}: {table} cannot be loaded ({kind}).") from None
                if cursor.rowcount != member.rows:
                    raise BackupError(
                        f"{file}: {table} has {cursor.rowcount} rows instead of {member.rows}."
                    )
    for name, last in manifest.sequences.items():
        if last is not None:
            connection.execute("select setval(%s::regclass, %s)", (name, last))
    # the planner has no statistics of new tables
    connection.execute(sql.SQL("analyze {}").format(tables))


def _copy_rows(cursor: psycopg.Cursor, archive: zipfile.ZipFile, member: TableEntry) -> None:
    statement = copy_statement(member.table, member.columns, "from stdin")
    with (
        archive.open(member.name) as packed,
        cursor.copy(statement) as copy,
        pa.input_stream(packed, "zstd") as rows,
    ):
        while piece := rows.read(CHUNK_BYTES):
            copy.write(piece)


def _foreign_key_order(connection: psycopg.Connection, members: Mapping[str, object]) -> list[str]:
    """Return the tables in topological order, referenced tables first."""
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
        union all
        -- references that are checked by statement
        select tgrelid::regclass::text, split_part(encode(tgargs, 'escape'), '\\000', 2)
        from pg_trigger where tgfoid = to_regproc('history.require_parents')
        """,
        (BACKED_UP_SCHEMAS,),
    ):
        order.add(table, target)
    return [name for name in order.static_order() if name in members]


def _compare(connection: psycopg.Connection, file: Path, manifest: Manifest) -> None:
    """Raise if the published tables differ from the manifest; skipped if the views differ."""
    if manifest.views != views_digest():
        return
    for each in checksums(connection):
        if manifest.checksums.get(each.table) != f"{each.rows} {each.digest}":
            raise BackupError(
                f"{file}: published.{each.table} differs from its checksum; nothing was restored."
            )
