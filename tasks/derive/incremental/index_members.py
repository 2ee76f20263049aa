"""Reads the members of an index by snapshot, and the indexes that changed snapshots reach."""

from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from warehouse.connect import arrow

# the sector of rows that count the whole index
ALL_SECTORS = "All"

# For `tasks.derive.incremental.changes`: the first day on which a changed snapshot was known. One
# that an amendment replaced was known sooner than its successor, and is in history alone.
CHANGED_SNAPSHOTS_SQL = """
select loaded.index_code as subject, changed.known_from as first_date
from derived.loaded_index as loaded
cross join lateral (
    select member.known_from
    from core.index_membership as member
    where member.index_code = loaded.index_code
        and member.known_from >= (select min(from_date) from change)
        and exists (
            select from change
            where change.instrument_id = member.instrument_id
                and change.from_date <= member.known_from
        )
    order by member.known_from
    limit 1
) as changed
union all
select replaced.index_code, min(replaced.known_from)
from (select distinct unnest(run_ids) as run_id from change) as run
join history.index_membership as replaced on replaced.superseded_by = run.run_id
group by replaced.index_code
"""


def read_snapshots(connection: adbc.Connection, index_code: str, start: date) -> pl.DataFrame:
    """Return the snapshots of an index that are in force on or after a day.

    Those known later, and the latest one known by then; the first one, where none was.

    Returns:
        One row per member: `as_of_date`, `known_from`, `instrument_id`, `sector`, `weight_pct`.
    """
    return arrow.read(
        connection,
        """
        with first as (
            select as_of_date from core.index_membership
            where index_code = $1
            order by known_from, as_of_date desc limit 1
        ),
        in_force as (
            select as_of_date from core.index_membership
            where index_code = $1 and known_from <= $2
            order by as_of_date desc limit 1
        )
        select as_of_date, known_from, instrument_id, sector, weight_pct
        from core.index_membership
        where index_code = $1 and (
            known_from > $2
            or as_of_date = coalesce(
                (select as_of_date from in_force), (select as_of_date from first)
            )
        )
        """,
        (index_code, start),
    )
