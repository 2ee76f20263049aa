"""Compute a content checksum per published table, independent of row order and load history.

Load time and run are not content.
"""

from dataclasses import dataclass

from psycopg import Connection, sql

from expectations import contracts

TABLES = (*contracts(), "ticker")
EXCLUDED_COLUMNS = ("loaded_at",)


@dataclass(frozen=True)
class Checksum:
    """Number of rows and content checksum of one published table."""

    table: str
    rows: int
    digest: str


def checksums(connection: Connection) -> list[Checksum]:
    """Return the checksums of all published tables."""
    with connection.transaction():
        # rows are hashed as text, which must not depend on session settings
        connection.execute("set local extra_float_digits = 1")
        connection.execute("set local datestyle = 'ISO, YMD'")
        return [_checksum(connection, table) for table in TABLES]


def _checksum(connection: Connection, table: str) -> Checksum:
    columns = connection.execute(
        """
        select column_name from information_schema.columns
        where table_schema = 'published' and table_name = %s
        order by column_name
        """,
        (table,),
    ).fetchall()
    content = sql.SQL(", ").join(
        sql.Identifier(name) for (name,) in columns if name not in EXCLUDED_COLUMNS
    )
    # a sum of row hashes is independent of their order; two 64-bit hashes make one of 128 bits
    row = connection.execute(
        sql.SQL(
            """
            select
                count(*),
                coalesce(sum(hashtextextended(content::text, 0)::numeric), 0),
                coalesce(sum(hashtextextended(content::text, 1)::numeric), 0)
            from (select ({content}) as content from published.{table}) as rows
            """
        ).format(content=sql.SQL("row({})").format(content), table=sql.Identifier(table))
    ).fetchone()
    assert row is not None
    wide = (int(row[1]) % 2**64) << 64 | int(row[2]) % 2**64
    return Checksum(table, row[0], f"{wide:032x}")
