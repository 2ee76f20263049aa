"""Concentration: by hand, and followed through the database."""

from datetime import date
from math import isclose

import polars as pl

from tasks.derive.breadth import index_concentration
from tasks.derive.breadth.index_concentration import derive_concentration
from tasks.derive.incremental.derived_table import derive_table

HELD = """
select index_code, as_of_date, members, top_10_weight_pct, magnificent_seven_weight_pct
from published.index_concentration order by 1, 2
"""


def weights(*members: tuple[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [("SP500", date(2024, 1, 2), date(2024, 1, 3), *member) for member in members],
        schema=["index_code", "as_of_date", "known_from", "ticker", "weight_pct"],
        orient="row",
    )


def test_equal_weights_count_themselves():
    row = derive_concentration(weights(*((f"A{i}", 5.0) for i in range(20)))).row(0, named=True)
    assert (row["members"], row["top_10_weight_pct"]) == (20, 50.0)
    assert isclose(row["hhi"], 0.05)
    assert isclose(row["effective_members"], 20)
    assert row["magnificent_seven_weight_pct"] == 0.0


def test_both_classes_of_a_company_count():
    seven = [("GOOG", 3.0), ("GOOGL", 4.0), ("NVDA", 8.0), ("META", 5.0)]
    row = derive_concentration(weights(*seven, ("XOM", 80.0))).row(0, named=True)
    assert row["magnificent_seven_weight_pct"] == 20.0
    assert row["top_10_weight_pct"] == 100.0
    assert isclose(row["hhi"], 0.64 + 0.0009 + 0.0016 + 0.0064 + 0.0025)


def test_the_order_of_members_changes_no_bit():
    members = [(f"A{i}", 100 / (i + 3)) for i in range(50)]
    assert derive_concentration(weights(*members)).equals(
        derive_concentration(weights(*members[::-1]))
    )


def test_snapshots_are_followed_one_by_one(house):
    first, second = date(2024, 1, 3), date(2024, 2, 1)
    house.load_snapshot(
        "SP500", first, [("MSFT", "Information Technology", 60.0), ("XOM", None, 40.0)]
    )
    house.load_snapshot("R2000", first, [("AAA", "Energy", 100.0)])
    house.derive(index_concentration)
    held = house.read(HELD)
    assert held.rows() == [
        ("R2000", date(2024, 1, 2), 1, 100.0, 0.0),
        ("SP500", date(2024, 1, 2), 2, 100.0, 60.0),
    ]
    assert derive_table.fn(index_concentration.TABLE, house.settings) is None
    house.load_snapshot("SP500", second, [("MSFT", "Information Technology", 100.0)])
    derived = derive_table.fn(index_concentration.TABLE, house.settings)
    assert derived.rows["as_of_date"].to_list() == [date(2024, 1, 31)]
    house.derive(index_concentration)
    assert house.read(HELD).height == 3
