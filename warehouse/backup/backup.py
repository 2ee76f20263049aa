"""One file that holds a warehouse: every row, and what proves that none is missing.

A ZIP archive of one member per table (PostgreSQL's COPY text, compressed with zstd) and a manifest:
the migration the rows belong to, rows and SHA-256 per member, the content hashes of the published
tables. Schema, views and comments are the code's; logins and passwords are in no backup.
"""

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

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
# what is not made from files: published and as_of hold views only
BACKED_UP_SCHEMAS = ["core", "history", "derived", "audit"]
CHUNK_BYTES = 1 << 20
# a server may be set up to write numbers and dates in another way than it reads them elsewhere
PORTABLE_TEXT_SETTINGS = (
    "set local extra_float_digits = 1; set local datestyle = 'ISO, YMD'; "
    "set local intervalstyle = 'postgres'; set local client_encoding = 'UTF8'"
)


class BackupError(RotationError):
    """A backup can't be written or is not whole; the warehouse is as it was before."""


@dataclass(frozen=True)
class TableEntry:
    """One table of a backup.

    Attributes:
        table: Its name, with its schema.
        columns: In the order of the COPY.
        rows: Their number.
        digest: SHA-256 of the compressed bytes.
    """

    table: str
    columns: list[str]
    rows: int
    digest: str

    @property
    def name(self) -> str:
        """Its name in the archive."""
        return f"{self.table}.copy.zst"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    Attributes:
        origin: live, or a tape's name; None where no flow had run.
        revision: The migration that the rows belong to.
        views: The digest of the view files that the checksums were taken through.
        made_at: ISO instant, in UTC, of the snapshot.
        members: The tables.
        sequences: Sequence to the last number it gave; None where it gave none.
        checksums: Published table to rows and content hash.
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
    """Writes a backup: one snapshot of all tables, while flows may go on.

    Args:
        settings: Of the warehouse.
        target: A file that is not there yet, or a folder, in which one is made and named.
        progress: Is told each table.

    Returns:
        The file, which is there wholly or not at all, readable by its owner alone; what it holds.

    Raises:
        BackupError: when the file exists, or can't be written.
    """
    file = target
    if target.is_dir():
        file = target / f"rotation-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    if file.exists():
        raise BackupError(f"{file} exists. Name a file that does not, or a folder.")
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
        raise BackupError(f"{file} can't be written: {error.strerror}.") from None
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return file, manifest


def _write(
    connection: psycopg.Connection, archive: zipfile.ZipFile, progress: Callable[[str], None]
) -> Manifest:
    connection.execute(PORTABLE_TEXT_SETTINGS)
    instant = _value(connection, "select now() at time zone 'UTC'")
    members = []
    for table, columns in stored_tables(connection).items():
        progress(table)
        members.append(_write_table(connection, archive, table, columns))
    progress("content hashes")
    return Manifest(
        origin=_value(connection, "select (select origin from audit.origin)"),
        revision=str(_value(connection, "select version_num from audit.migration")),
        views=views_digest(),
        made_at=f"{instant.isoformat()}Z",
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
    """The tables that hold rows to keep, and their columns, those left out that are computed."""
    return dict(
        connection.execute(
            """
            select nspname || '.' || relname, array_agg(attname::text order by attnum)
            from pg_class as relation
            join pg_namespace as space on space.oid = relnamespace
            join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
            where relkind = 'r' and nspname = any (%s)
                and attgenerated = ''
                -- the manifest's revision says what stands there
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
        sink = _HashingWriter(file)
        with (
            pa.CompressedOutputStream(pa.PythonFile(sink, "w"), "zstd") as packed,
            cursor.copy(copy_statement(table, columns, "to stdout")) as copy,
        ):
            held = bytearray()
            for piece in copy:
                held += piece
                if len(held) >= CHUNK_BYTES:
                    packed.write(bytes(held))
                    held.clear()
            packed.write(bytes(held))
        return TableEntry(table, columns, cursor.rowcount, sink.digest.hexdigest())


def copy_statement(table: str, columns: list[str], direction: str) -> sql.Composed:
    """COPY of a table, `to stdout` or `from stdin`."""
    return sql.SQL("copy {} ({}) {}").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(direction),
    )


def read_manifest(file: Path) -> Manifest:
    """What a backup holds, after every byte of it was compared with the manifest.

    Raises:
        BackupError: when the file is no backup, is cut off or was changed.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            said = json.loads(archive.read(MANIFEST))
            if said["format"] != FORMAT:
                raise BackupError(
                    f"{file} is of format {said['format']}; this version reads {FORMAT}."
                )
            members = [TableEntry(**each) for each in said.pop("members")]
            for member in members:
                with archive.open(member.name) as packed:
                    digest = sha256()
                    while piece := packed.read(CHUNK_BYTES):
                        digest.update(piece)
                if digest.hexdigest() != member.digest:
                    raise BackupError(f"{file}: {member.name} is not what was written.")
            return Manifest(members=members, **said)
    except FileNotFoundError:
        raise BackupError(f"There is no file {file}.") from None
    except OSError as error:
        raise BackupError(f"{file} can't be read: {error.strerror}.") from None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
        raise BackupError(
            f"{file} is not a whole backup: it was cut off, changed, or is another kind of file "
            f"({type(error).__name__}: {error})."
        ) from None


def _value(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]


class _HashingWriter:
    """A file to write to that keeps the hash of what went through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = sha256()
        self.closed = False

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
