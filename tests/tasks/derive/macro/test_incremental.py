"""The macro regime in the warehouse: any order of loading gives the rows of one derivation."""

import pandas as pd
import pytest

from tasks.derive.macro import macro_regime
from tests.tasks.derive.macro.vintages import load_vintages, make_vintages
from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import connect

ROWS = "select * from published.macro_regime order by session_date"


@pytest.fixture(scope="module")
def vintages() -> pd.DataFrame:
    return make_vintages()


def chunks(vintages: pd.DataFrame) -> list[pd.DataFrame]:
    """Up to two cuts what was known then, a few days one by one, one series late."""
    is_late = vintages["series_id"] == "CPILFENS"
    known, late = vintages[~is_late], vintages[is_late]
    cuts = pd.to_datetime(["2022-06-01", "2023-07-12", "2023-07-13", "2023-07-14", "2023-12-29"])
    parts, before = [], pd.Timestamp.min
    for cut in cuts:
        parts.append(known[known["vintage_date"].between(before, cut, inclusive="right")])
        before = cut
    return [*parts, late]


def test_any_order_of_loading_derives_the_same_rows(house: House, vintages: pd.DataFrame) -> None:
    for part in chunks(vintages):
        load_vintages(house, part)
        house.derive(macro_regime)
    followed = house.checksums()["macro_regime"]
    assert house.read(ROWS).height > 480
    with connect(house.settings, "owner") as connection:
        connection.execute("truncate derived.macro_regime, audit.derivation")
    house.derive(macro_regime)
    assert house.checksums()["macro_regime"] == followed
    columns = house.read(ROWS).drop("cpi_missing_reason", "loaded_at")
    assert columns.null_count().row(0) < (400,) * columns.width


def test_new_vintage_writes_its_session_only(house: House, vintages: pd.DataFrame) -> None:
    newest = vintages["vintage_date"].max()
    load_vintages(house, vintages[vintages["vintage_date"] < newest])
    house.derive(macro_regime)
    load_vintages(house, vintages[vintages["vintage_date"] == newest])
    house.derive(macro_regime)
    last_load = house.read(
        "select rows_new, rows_changed, rows_same from audit.load"
        " where table_name = 'derived.macro_regime' order by load_id desc limit 1"
    )
    assert last_load.row(0) == (1, 0, 0)


def test_as_of_and_freshness_have_the_table(house: House, vintages: pd.DataFrame) -> None:
    load_vintages(house, vintages)
    house.derive(macro_regime)
    assert house.read("select count(*) from as_of.macro_regime(now())").item() > 480
    fresh = house.read(
        "select latest_date::text from published.freshness where dataset = 'macro_regime'"
    )
    assert fresh.item() == "2023-12-29"
