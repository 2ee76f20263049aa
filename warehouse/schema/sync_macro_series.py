"""Fills core.macro_series, so that SQL knows each series' clock."""

from hashlib import sha256
from pathlib import Path

from psycopg import Connection

MACRO_SERIES = Path(__file__).parents[1] / "reference" / "macro_series.csv"


def sync_macro_series(connection: Connection) -> None:
    """Brings core.macro_series up to its file, where that has changed."""
    content = MACRO_SERIES.read_bytes()
    checksum = sha256(content).hexdigest()
    held = connection.execute(
        "select checksum from audit.reference where table_name = 'macro_series'"
    ).fetchone()
    if held == (checksum,):
        return
    connection.execute(
        "create temporary table listed (like core.macro_series,"
        " plausible_min double precision, plausible_max double precision) on commit drop"
    )
    columns = content.split(b"\n", 1)[0].decode().strip()
    with connection.cursor().copy(f"copy listed ({columns}) from stdin csv header") as copy:
        copy.write(content)
    connection.execute(
        """
        delete from core.macro_series;
        insert into core.macro_series
        select
            series_id, title, frequency, units, seasonal_adjustment, publication_lag_days, used_for
        from listed;
        """
    )
    connection.execute(
        """
        insert into audit.reference values ('macro_series', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (checksum,),
    )
