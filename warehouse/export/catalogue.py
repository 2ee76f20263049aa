"""Read what readers can query from the catalogue: tables with grain, source, types and units."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from adbc_driver_postgresql import dbapi as adbc

from expectations import contracts
from warehouse.base_error import RotationError
from warehouse.connect import arrow
from warehouse.schema.views import views_digest

NULL_MARK = " NULL: "
NUMERIC_TYPES = ("double precision", "integer", "bigint")
# the unit in a column's name; `_per_100bp` and the like are in the comment
SUFFIX_UNITS = {
    "_usd": "USD",
    "_pct": "percent",
    "_bp": "basis points",
    "_days": "days",
    "_seconds": "seconds",
}
# rows of these tables have units of their own
ROW_UNITS = {
    ("claim_ledger", "measured"): "column unit",
    ("claim_ledger", "second_measured"): "column unit",
    ("claim_verdict", "measured"): "claim_ledger.unit",
    ("company_fact", "value"): "column unit",
    ("corporate_action", "value"): "by column kind",
    ("macro_first_release", "value"): "macro_series.units",
    ("macro_latest", "value"): "macro_series.units",
    ("macro_observation", "value"): "macro_series.units",
    ("scenario_monitor", "newest_value"): "unit of the series",
}
# more than the suffix says
COMPOUND_UNITS = re.compile(r"USD per share|percent per 100 bp")
WORD_UNITS = re.compile(
    r"\b(USD|percent|fraction|basis points|standard deviations"
    r"|persons|shares held|multiples)\b",
    re.IGNORECASE,
)
FIRST_WORD_UNITS = re.compile(r"(shares|sessions|quarters|years|days)\b", re.IGNORECASE)
# the views that readers see, and the tables and views on the runs
READER_SCHEMAS = ("published", "audit")


class OutdatedSchema(RotationError):
    """The database's views and comments are those of another version of the code."""


@dataclass(frozen=True)
class CatalogueColumn:
    """A column as readers see it.

    Attributes:
        name: Its name.
        sql_type: The name of its PostgreSQL type.
        definition: What its comment says of a value.
        null_means: What its comment says of NULL; None: never NULL.
        unit: Of its numbers; None: identifiers, counts, and everything that is no number.
        is_key: Whether the column is part of the key in the sources' terms.
    """

    name: str
    sql_type: str
    definition: str
    null_means: str | None
    unit: str | None
    is_key: bool

    @property
    def comment(self) -> str:
        """Return the whole comment, as the database has it."""
        null = "" if self.null_means is None else f"{NULL_MARK}{self.null_means}"
        return f"{self.definition}{null}"


@dataclass(frozen=True)
class CatalogueTable:
    """A table or view as readers see it.

    Attributes:
        schema: published or audit.
        name: Its name in the schema.
        comment: Its grain, and how to read it.
        source: Where the rows come from.
        is_versioned: Whether a function of schema as_of returns the table as it was.
        columns: Its columns, in the database's order.
    """

    schema: str
    name: str
    comment: str
    source: str
    is_versioned: bool
    columns: tuple[CatalogueColumn, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the key's columns; empty where no contract has one."""
        return tuple(column.name for column in self.columns if column.is_key)


def read_catalogue(connection: adbc.Connection) -> list[CatalogueTable]:
    """Return the published tables, then the audit tables, each in the order of its names.

    Args:
        connection: Of a role that reads schema audit.

    Raises:
        OutdatedSchema: The database is not migrated to the schema of this code.
    """
    applied = "select checksum from audit.reference where table_name = 'views'"
    if arrow.read(connection, applied)["checksum"].to_list() != [views_digest()]:
        raise OutdatedSchema(
            "The database has the schema of another version. Migrate it first: make up (or make"
            " demo), then run the command again."
        )
    inputs = _read_inputs(connection)
    rows = arrow.read(
        connection,
        """
        select
            namespace.nspname::text as schema, relation.relname::text as table,
            coalesce(obj_description(relation.oid, 'pg_class'), '') as table_comment,
            attname::text as column, format_type(atttypid, null) as sql_type,
            coalesce(col_description(relation.oid, attnum), '') as comment,
            exists (
                select from pg_proc
                where pronamespace = 'as_of'::regnamespace and proname = relation.relname
            ) as is_versioned
        from pg_class as relation
        join pg_namespace as namespace on namespace.oid = relation.relnamespace
        join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
        where nspname in ('published', 'audit') and relkind in ('v', 'r')
        order by nspname <> 'published', relname, attnum
        """,
    ).rows(named=True)
    tables = []
    for (schema, name), group in groupby(rows, key=lambda row: (row["schema"], row["table"])):
        columns = list(group)
        contract = contracts().get(name) if schema == "published" else None
        key = contract.natural_key_or_key if contract else ()
        source = contract.source if contract else inputs.get(f"{schema}.{name}", "the runs")
        tables.append(
            CatalogueTable(
                schema,
                name,
                columns[0]["table_comment"],
                source,
                schema == "published" and columns[0]["is_versioned"],
                tuple(_column(name, row, row["column"] in key) for row in columns),
            )
        )
    return tables


def _column(table: str, row: Mapping[str, str], is_key: bool) -> CatalogueColumn:
    definition, mark, null_means = row["comment"].partition(NULL_MARK)
    return CatalogueColumn(
        row["column"],
        row["sql_type"],
        definition,
        null_means if mark else None,
        unit_of(table, row["column"], row["sql_type"], definition),
        is_key,
    )


def unit_of(table: str, column: str, sql_type: str, definition: str) -> str | None:
    """Return the unit of a number by its name, else by its definition; None: it has none.

    A double precision number whose definition names no unit is a plain number, such as a beta.
    """
    if sql_type not in NUMERIC_TYPES:
        return None
    if unit := ROW_UNITS.get((table, column)):
        return unit
    if compound := COMPOUND_UNITS.search(definition):
        return compound[0]
    for suffix, unit in SUFFIX_UNITS.items():
        if column.endswith(suffix):
            return unit
    is_decimal = sql_type == "double precision"
    found = WORD_UNITS.search(definition) if is_decimal else FIRST_WORD_UNITS.match(definition)
    if found:
        word = found[1] if found[1].startswith("USD") else found[1].lower()
        return {"shares held": "shares"}.get(word, word)
    return "number" if is_decimal else None


def _read_inputs(connection: adbc.Connection) -> dict[str, str]:
    """Return view to the relations that it reads, as text."""
    rows = arrow.read(
        connection,
        """
        select view_name, string_agg(distinct input, ', ' order by input) as inputs
        from (
            select
                view_schema.nspname || '.' || view.relname as view_name,
                coalesce(
                    source_schema.nspname || '.' || source.relname,
                    function_schema.nspname || '.' || function.proname || '()'
                ) as input
            from pg_class as view
            join pg_namespace as view_schema on view_schema.oid = view.relnamespace
            join pg_rewrite on ev_class = view.oid
            join pg_depend on classid = 'pg_rewrite'::regclass and objid = pg_rewrite.oid
            left join pg_class as source
                on refclassid = 'pg_class'::regclass and source.oid = refobjid
                and source.oid <> view.oid
            left join pg_namespace as source_schema on source_schema.oid = source.relnamespace
            left join pg_proc as function
                on refclassid = 'pg_proc'::regclass and function.oid = refobjid
            left join pg_namespace as function_schema on function_schema.oid = pronamespace
            where view.relkind = 'v' and view_schema.nspname in ('published', 'audit')
                and coalesce(source_schema.nspname, function_schema.nspname) <> 'pg_catalog'
        ) as dependency
        group by view_name
        """,
    )
    return {view: f"view of {inputs}" for view, inputs in rows.iter_rows()}
