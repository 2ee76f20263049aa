"""Frames into Postgres and back."""

import math
from datetime import UTC, date, datetime

import pandas as pd
import polars as pl
import pytest

from expectations.contract import Column
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection

COLUMNS = (
    Column("word", "text", ""),
    Column("day", "date", ""),
    Column("few", "integer", ""),
    Column("many", "bigint", ""),
    Column("amount", "double precision", ""),
    Column("truth", "boolean", ""),
    Column("moment", "timestamp with time zone", ""),
)
ROWS = [
    ("Wörter, 'quoted' \\ \n\t\"", date(1899, 12, 31), -(2**31), 2**63 - 1, 0.1, True,
     datetime(2024, 3, 10, 6, 59, 59, 999999, UTC)),
    ("", date(2024, 2, 29), 2**31 - 1, -(2**63), 5e-324, False, datetime(1970, 1, 1, tzinfo=UTC)),
    ("NULL", date(1, 1, 1), 0, 0, 1.7976931348623157e308, True, datetime(2999, 1, 1, tzinfo=UTC)),
    (None,) * 7,
]  # fmt: skip
NAMES = [column.name for column in COLUMNS]


def as_pandas() -> pd.DataFrame:
    frame = pd.DataFrame(ROWS, columns=NAMES, dtype=object)
    return frame.astype({"few": "Int32", "many": "Int64", "amount": "float64"})


def as_polars() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=NAMES, orient="row")


def through_postgres(settings, frame, columns=COLUMNS) -> list[tuple[object, ...]]:
    with adbc_connection(settings) as connection:
        arrow.stage(connection, "staged", arrow.to_arrow(frame, columns))
        return arrow.read(connection, "select * from staged").rows()


@pytest.mark.parametrize("make", [as_pandas, as_polars])
def test_every_type_comes_back_as_it_went(module_warehouse, make):
    assert through_postgres(module_warehouse, make()) == ROWS


@pytest.mark.parametrize("make", [as_pandas, as_polars])
def test_order_and_surplus_columns_of_a_frame_do_not_matter(module_warehouse, make):
    frame = make()
    turned = frame[NAMES[::-1]]
    if isinstance(turned, pd.DataFrame):
        turned = turned.assign(more=1)
    else:
        turned = turned.with_columns(more=1)
    assert through_postgres(module_warehouse, turned) == ROWS


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_nan_is_null_and_infinity_is_not(module_warehouse, kind):
    frame = kind({"amount": [math.nan, math.inf, -math.inf, 0.0]})
    rows = through_postgres(module_warehouse, frame, COLUMNS[4:5])
    assert rows == [(None,), (math.inf,), (-math.inf,), (0.0,)]


def test_days_may_come_as_midnights(module_warehouse):
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-02-29", None])})
    assert through_postgres(module_warehouse, frame, COLUMNS[1:2]) == [
        (date(2024, 2, 29),),
        (None,),
    ]


@pytest.mark.parametrize("make", [as_pandas, as_polars])
def test_missing_column_is_named(make):
    frame = make()
    frame = frame.drop(columns="day") if isinstance(frame, pd.DataFrame) else frame.drop("day")
    with pytest.raises(ValueError, match=r"lacks the columns \['day'\]; it has \['word', 'few'"):
        arrow.to_arrow(frame, COLUMNS)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("few", [2**31]),
        ("many", [1.5]),
        ("day", ["tomorrow"]),
        ("day", [datetime(2024, 1, 2, 16)]),
        ("amount", ["1,5"]),
        ("truth", ["perhaps"]),
        ("amount", [[1.0]]),
    ],
    ids=str,
)
def test_value_that_a_type_cannot_hold_is_refused_by_name(kind, name, values):
    column = next(column for column in COLUMNS if column.name == name)
    with pytest.raises(ValueError, match=f"Column {name} can't be stored as"):
        arrow.to_arrow(kind({name: values}), [column])


def test_mixed_values_are_refused_by_name():
    with pytest.raises(ValueError, match="Column word can't be stored as"):
        arrow.to_arrow(pd.DataFrame({"word": ["a", 1]}, dtype=object), COLUMNS[:1])


def test_parameters_are_values_not_sql(module_warehouse):
    with adbc_connection(module_warehouse) as connection:
        hostile = "'; drop table audit.run; --"
        read = arrow.read(connection, "select $1::text as said, $2::bigint as n", (hostile, 7))
    assert read.rows() == [(hostile, 7)]


def test_no_rows_keep_their_columns(module_warehouse):
    with adbc_connection(module_warehouse) as connection:
        read = arrow.read(connection, "select 1::bigint as n, 'a'::text as word where false")
    assert read.schema == {"n": pl.Int64, "word": pl.String}
    assert through_postgres(module_warehouse, as_pandas().head(0)) == []


def test_append_adds_to_what_is_there(module_warehouse):
    table = arrow.to_arrow(pl.DataFrame({"few": [1, 2]}), COLUMNS[2:3])
    with adbc_connection(module_warehouse, "owner") as connection:
        arrow.execute(connection, "create table core.appended (few integer)")
        for rows in (table, table.slice(0, 0), table):
            arrow.append(connection, "core", "appended", rows)
        assert arrow.read(connection, "select sum(few)::bigint as n from core.appended").rows() == [
            (6,)
        ]
