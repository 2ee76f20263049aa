"""Finds the derived tables, and resets those to derive from scratch."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from psycopg import Connection

import warehouse
from expectations import contracts
from tasks import derive
from tasks.derive.incremental.derived_table import DerivedTable
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.settings import Settings

REFERENCE = Path(warehouse.__path__[0]) / "reference"


class UnknownTable(RotationError):
    """A requested table is not a derived table."""


def _find_derived_tables() -> Iterator[tuple[str, DerivedTable]]:
    """Yield each derived table by name, upstream tables first.

    The module of a table is named as the table, in whichever package it lies.
    """
    derived = {name: each for name, each in contracts().items() if each.schema == "derived"}
    modules = {
        module.name.rpartition(".")[2]: module.name
        for module in walk_packages(derive.__path__, f"{derive.__name__}.")
    }
    upstream = {
        name: sorted(derived.keys() & each.upstream) for name, each in sorted(derived.items())
    }
    for name in TopologicalSorter(upstream).static_order():
        yield name, import_module(modules[name]).TABLE


DERIVED_TABLES: Mapping[str, DerivedTable] = dict(_find_derived_tables())
TABLES = tuple(sorted(DERIVED_TABLES))


def reset_watermarks(tables: Sequence[str], settings: Settings) -> list[str]:
    """Delete the watermarks of tables, so that they are derived from scratch.

    Stored rows stay until the new ones are published; equal rows are not rewritten. A table whose
    logic version or reference file changed is reset, too, and so is every table downstream.

    Args:
        tables: Tables to derive from scratch.
        settings: Of the run.

    Returns:
        The tables that had a watermark, sorted.

    Raises:
        UnknownTable: when a name is not a derived table; nothing is reset then.
    """
    unknown = sorted(set(tables) - set(TABLES))
    if unknown:
        raise UnknownTable(
            f"{', '.join(unknown)}: no derived table; these are: {', '.join(TABLES)}."
        )
    # one transaction: stopped anywhere, it has happened or it has not
    with connect(settings) as connection:
        reset = _with_downstream({*tables, *_detect_changed_definitions(connection)})
        rows = connection.execute(
            "delete from audit.derivation where derived_table = any (%s) returning derived_table",
            ([*reset],),
        ).fetchall()
    return sorted({table for (table,) in rows})


def _detect_changed_definitions(connection: Connection) -> list[str]:
    """Return the tables whose logic version or reference files changed, and store the new ones."""
    stored: dict[str, str] = dict(
        connection.execute("select table_name, checksum from audit.reference").fetchall()
    )
    current = {name: _checksum(table) for name, table in DERIVED_TABLES.items()}
    changed = [name for name, checksum in current.items() if stored.get(name) != checksum]
    for name in changed:
        connection.execute(
            """
            insert into audit.reference values (%s, %s)
            on conflict (table_name) do update
            set checksum = excluded.checksum, applied_at = clock_timestamp()
            """,
            (name, current[name]),
        )
    return changed


def _checksum(table: DerivedTable) -> str:
    digest = sha256(str(table.logic_version).encode())
    for name in table.reference_files:
        digest.update((REFERENCE / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def _with_downstream(tables: set[str]) -> set[str]:
    found = set(tables)
    # in the order of derivation, so that tables further downstream follow
    for name, table in DERIVED_TABLES.items():
        if found & set(table.contract.upstream):
            found.add(name)
    return found
