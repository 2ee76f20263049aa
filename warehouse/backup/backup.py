"""Write a backup of the warehouse: all rows in one ZIP file, with a manifest.

One member per table (PostgreSQL COPY text, compressed with zstd). The manifest has the schema
revision, the number of rows per table and the content checksums of the published tables. Schema,
views and comments come from the code; logins and passwords are not included.
"""

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import IsolationLevel, sql

from warehouse.backup.checksum import checksums
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.schema.views import views_digest
from warehouse.settings import Settings

FORMAT = 1
MANIFEST = "manifest.json"
# published and as_of have only views, which are created from files
BACKED_UP_SCHEMAS = ["core", "history", "derived", "audit"]
CHUNK_BYTES = 1 << 20
# server settings must not change how numbers and dates are written
PORTABLE_TEXT_SETTINGS = (
    "set local extra_float_digits = 1; set local datestyle = 'ISO, YMD'; "
    "set local intervalstyle = 'postgres'; set local client_encoding = 'UTF8'"
)


class BackupError(RotationError):
    """A backup cannot be written or is damaged; the warehouse is unchanged."""


@dataclass(frozen=True)
class TableEntry:
    """One table of a backup.

    Attributes:
        table: Name with schema.
        columns: In the order of the COPY.
        rows: Number of rows.
    """

    table: str
    columns: list[str]
    rows: int

    @property
    def name(self) -> str:
        """Return the member's name in the archive."""
        return f"{self.table}.copy.zst"


@dataclass(frozen=True)
class Manifest:
    """Contents of a backup.

    Attributes:
        origin: live, or a tape's name; None if no flow had run.
        revision: Schema revision of the rows.
        views: Digest of the views that the checksums were computed on.
        made_at: ISO timestamp, in UTC, of the snapshot.
        members: The tables.
        sequences: Sequence to its last value; None if unused.
        checksums: Published table to number of rows and content checksum.
    """

    origin: str | None
    revision: str
    views: str
    made_at: str
    members: list[TableEntry]
    sequences: dict[str, int | None]
    checksums: dict[str, str]
    format: int = FORMAT


def write_backup(
    settings: Settings, target: Path, progress: Callable[[str], None] = lambda table: None
) -> tuple[Path, Manifest]:
    """Write a backup from one snapshot of all tables; flows may keep running.

    Args:
        settings: Of the warehouse.
        target: A new file, or a folder in which a file is created and named.
        progress: Called with the name of each table.

    Returns:
        The file, written completely or not at all, readable only by its owner; its manifest.

    Raises:
        BackupError: If the file exists or cannot be written.
    """
    file = target
    if target.is_dir():
        file = target / f"rotation-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    if file.exists():
        raise BackupError(f"{file} exists. Give the name of a new file, or a folder.")
    partial = file.with_name(f".{file.name}-{os.getpid()}.partial")
    try:
        with (
            open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream,
            connect(settings, "owner") as connection,
        ):
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                manifest = _write(connection, archive, progress)
                archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return file, manifest


def _write(
    connection: psycopg.Connection, archive: zipfile.ZipFile, progress: Callable[[str], None]
) -> Manifest:
    connection.execute(PORTABLE_TEXT_SETTINGS)
    taken_at = _value(connection, "select now() at time zone 'UTC'")
    members = []
    for table, columns in stored_tables(connection).items():
        progress(table)
        members.append(_write_table(connection, archive, table, columns))
    progress("content checksums")
    return Manifest(
        origin=_value(connection, "select (select origin from audit.origin)"),
        revision=str(_value(connection, "select version_num from audit.migration")),
        views=views_digest(),
        made_at=f"{taken_at.isoformat()}Z",
        members=members,
        sequences=dict(
            connection.execute(
                "select schemaname || '.' || sequencename, last_value from pg_sequences"
                " where schemaname = any (%s) order by 1",
                (BACKED_UP_SCHEMAS,),
            ).fetchall()
        ),
        checksums={each.table: f"{each.rows} {each.digest}" for each in checksums(connection)},
    )


def stored_tables(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Return the tables to back up with their columns, without generated columns."""
    return dict(
        connection.execute(
            """
            select nspname || '.' || relname, array_agg(attname::text order by attnum)
            from pg_class as relation
            join pg_namespace as space on space.oid = relnamespace
            join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
            where relkind = 'r' and nspname = any (%s)
                and attgenerated = ''
                -- the manifest has its only value
                and relation.oid <> 'audit.migration'::regclass
            group by nspname, relname
            order by 1
            """,
            (BACKED_UP_SCHEMAS,),
        ).fetchall()
    )


def _write_table(
    connection: psycopg.Connection, archive: zipfile.ZipFile, table: str, columns: list[str]
) -> TableEntry:
    entry = zipfile.ZipInfo(f"{table}.copy.zst", datetime.now(UTC).timetuple()[:6])
    with (
        archive.open(entry, "w", force_zip64=True) as file,
        connection.cursor() as cursor,
    ):
        with (
            pa.CompressedOutputStream(pa.PythonFile(file, "w"), "zstd") as packed,
            cursor.copy(copy_statement(table, columns, "to stdout")) as copy,
        ):
            buffer = bytearray()
            for piece in copy:
                buffer += piece
                if len(buffer) >= CHUNK_BYTES:
                    packed.write(bytes(buffer))
                    buffer.clear()
            packed.write(bytes(buffer))
        return TableEntry(table, columns, cursor.rowcount)


def copy_statement(table: str, columns: list[str], direction: str) -> sql.Composed:
    """Return the COPY statement of a table, `to stdout` or `from stdin`."""
    return sql.SQL("copy {} ({}) {}").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(direction),
    )


def read_manifest(file: Path) -> Manifest:
    """Return the manifest of a backup after comparing all its bytes with the archive's CRCs.

    Raises:
        BackupError: If the file is no backup, is truncated or damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            content = json.loads(archive.read(MANIFEST))
            if content["format"] != FORMAT:
                raise BackupError(
                    f"{file} has format {content['format']}; this version reads {FORMAT}."
                )
            members = [TableEntry(**each) for each in content.pop("members")]
            for name in (member.name for member in members):
                archive.getinfo(name)
            if damaged := archive.testzip():
                raise BackupError(f"{file} is damaged: {damaged} differs from its CRC.")
            return Manifest(members=members, **content)
    except FileNotFoundError:
        raise BackupError(f"There is no file {file}.") from None
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.") from None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
        raise BackupError(
            f"{file} is not a complete backup: it is truncated, damaged or another kind of file "
            f"({type(error).__name__}: {error})."
        ) from None


def _value(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]
