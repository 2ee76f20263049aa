"""Derived tables that start from scratch: when asked, or when what they are made by changed."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

import warehouse
from expectations import contracts
from tasks.derive.refinancing import rate_shock, refinancing_wall, zombie_status
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.settings import Settings

REFERENCE = Path(warehouse.__path__[0]) / "reference"
TABLES = tuple(sorted(name for name, each in contracts().items() if each.schema == "derived"))
# What a table's rows are made from besides its inputs. Of pair.csv rotation_metrics sees by itself
# what is new in it.
REFERENCE_FILES = {
    "index_concentration": ("magnificent_seven",),
    "debt_maturity": ("concept",),
    "company_refinancing": ("concept", "fund", "market_rate"),
    "refinancing_wall": ("fund", "market_rate"),
    "rate_shock": ("fund",),
    "zombie_status": ("concept",),
}
# Raised with a change of code that moves rows which may stand already.
LOGIC_VERSIONS = {
    "company_refinancing": 2,
    "debt_maturity": 1,
    "index_concentration": 1,
    "rate_shock": 1,
    "refinancing_wall": 1,
    "rotation_metrics": 1,
    "sector_breadth": 1,
    "zombie_status": 2,
}
UPSTREAM = {
    module.CONTRACT.table: frozenset(module.UPSTREAM)
    for module in (refinancing_wall, rate_shock, zombie_status)
}


class UnknownTable(RotationError):
    """A name that no derived table has."""


@task(name="start over", cache_policy=NO_CACHE)
def reset_watermarks(tables: Sequence[str], settings: Settings) -> list[str]:
    """Forgets how far tables have followed their inputs, so that they follow them anew.

    Their rows stand until the new ones are there; rows that come out the same are not touched. A
    table whose formula or reference file is not the one that it was derived with starts over by
    itself, and so does what is made of it.

    Args:
        tables: Tables to derive from scratch.
        settings: Of the run.

    Returns:
        The tables that had followed anything, sorted.

    Raises:
        UnknownTable: when a name is no derived table's; nothing is forgotten then.
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
    """The tables made by other formulas or files than theirs were; the new ones are noted."""
    held: dict[str, str] = dict(
        connection.execute("select table_name, checksum from audit.reference").fetchall()
    )
    now = {table: _checksum(table) for table in TABLES}
    changed = [table for table, checksum in now.items() if held.get(table) != checksum]
    for table in changed:
        connection.execute(
            """
            insert into audit.reference values (%s, %s)
            on conflict (table_name) do update
            set checksum = excluded.checksum, applied_at = clock_timestamp()
            """,
            (table, now[table]),
        )
    return changed


def _checksum(table: str) -> str:
    digest = sha256(str(LOGIC_VERSIONS[table]).encode())
    for name in REFERENCE_FILES.get(table, ()):
        digest.update((REFERENCE / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def _with_downstream(tables: set[str]) -> set[str]:
    return tables | {table for table, parts in UPSTREAM.items() if parts & tables}
