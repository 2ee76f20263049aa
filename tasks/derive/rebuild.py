"""Reset the watermarks of derived tables: the next derivation rebuilds them from scratch."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE
from psycopg import Connection

from tasks.derive.registry import DERIVED_TABLES, derived_tables
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.settings import Settings


class UnknownTable(RotationError):
    """No derived table has this name."""


@task(name="reset watermarks", cache_policy=NO_CACHE)
def reset_watermarks(tables: Sequence[str], settings: Settings) -> list[str]:
    """Reset the watermarks of tables, and of tables whose definition changed.

    Stored rows stay until the new ones are published; equal rows are not touched. A table whose
    logic version or reference files changed since it was derived is reset without being named, and
    so are the tables downstream of each.

    Args:
        tables: Tables to rebuild.
        settings: Of the run.

    Returns:
        The tables that had a watermark, sorted.

    Raises:
        UnknownTable: when a name is no derived table's; nothing is reset then.
    """
    unknown = sorted(set(tables) - set(DERIVED_TABLES))
    if unknown:
        raise UnknownTable(
            f"{', '.join(unknown)}: no derived table; choose from {', '.join(DERIVED_TABLES)}."
        )
    # one transaction, so that an interruption resets all tables or none
    with connect(settings) as connection:
        reset = _with_downstream({*tables, *_detect_changed_definitions(connection)})
        rows = connection.execute(
            "delete from audit.derivation where derived_table = any (%s) returning derived_table",
            ([*reset],),
        ).fetchall()
    return sorted({table for (table,) in rows})


def _detect_changed_definitions(connection: Connection) -> list[str]:
    """Return the tables whose definition is not the stored one, and store the new one."""
    stored: dict[str, str] = dict(
        connection.execute("select table_name, checksum from audit.reference").fetchall()
    )
    current = {name: table.definition_checksum() for name, table in derived_tables().items()}
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


def _with_downstream(names: set[str]) -> set[str]:
    return names | {
        name
        for name, table in derived_tables().items()
        if names & {upstream.name for upstream in table.upstream}
    }
