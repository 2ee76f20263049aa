"""Syncs core.macro_series with its file, so that SQL knows each series' frequency and lag."""

from hashlib import sha256

from psycopg import Connection

from warehouse.reference import read_reference, reference_file

COLUMNS = (
    "series_id",
    "title",
    "frequency",
    "units",
    "seasonal_adjustment",
    "publication_lag_days",
    "used_for",
)


def sync_macro_series(connection: Connection) -> None:
    """Replace the rows of core.macro_series where macro_series.csv has changed."""
    checksum = sha256(reference_file("macro_series").read_bytes()).hexdigest()
    applied = connection.execute(
        "select checksum from audit.reference where table_name = 'macro_series'"
    ).fetchone()
    if applied == (checksum,):
        return
    rows = read_reference("macro_series")[[*COLUMNS]].itertuples(index=False)
    connection.execute("delete from core.macro_series")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into core.macro_series values (%s, %s, %s, %s, %s, %s, %s)", rows
        )
    connection.execute(
        """
        insert into audit.reference values ('macro_series', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (checksum,),
    )
