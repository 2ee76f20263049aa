"""From scratch: when asked, and when a formula or file is another; same rows stay as they are."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from expectations import contracts
from tasks.derive import rebuild
from tasks.derive.breadth import index_concentration
from tasks.derive.rebuild import (
    DERIVED_TABLES,
    REFERENCE,
    TABLES,
    UnknownTable,
)
from tests.tasks.derive.pipeline import House
from warehouse.settings import Settings

MEMBERS = [("AAPL", "Tech", 3.0), ("XOM", "Energy", 1.0)]
ROWS = """
select magnificent_seven_weight_pct, run_id from derived.index_concentration order by as_of_date
"""


@pytest.fixture(scope="module")
def filled(module_warehouse: Settings) -> Settings:
    """Two snapshots, followed by concentration and breadth, with the files as they are."""
    house = House(module_warehouse)
    rebuild.reset_watermarks([], house.settings)
    house.load_snapshot("SP500", date(2024, 1, 3), MEMBERS)
    house.load_snapshot("SP500", date(2024, 2, 2), MEMBERS)
    house.derive()
    return module_warehouse


@pytest.fixture
def derived(
    filled: Settings, new_warehouse: Callable[..., AbstractContextManager[Settings]]
) -> Iterator[House]:
    """A copy of that warehouse for one test."""
    with new_warehouse(filled) as settings:
        yield House(settings)


def test_asked_for_it_gives_the_same_rows_and_touches_none(derived: House) -> None:
    before = derived.checksums(), derived.read(ROWS).rows()
    assert rebuild.reset_watermarks(["index_concentration"], derived.settings) == [
        "index_concentration"
    ]
    derived.derive()
    assert (derived.checksums(), derived.read(ROWS).rows()) == before
    assert derived.read("select count(*) from history.index_concentration").item() == 0
    # breadth was left alone
    assert derived.read(
        "select count(*) from audit.load where table_name = 'derived.index_concentration'"
    ).item() == 2  # fmt: skip
    assert derived.read("select rows_same from audit.load order by load_id desc").row(0) == (2,)


def test_what_went_wrong_without_a_change_is_mended(derived: House) -> None:
    before = derived.checksums()
    from warehouse.connect.connections import connect

    with connect(derived.settings, "owner") as connection:
        connection.execute(
            "update derived.index_concentration set hhi = 1 where as_of_date < now()"
        )
        connection.execute(
            "delete from derived.index_concentration where as_of_date > '2024-01-15'"
        )
    derived.derive()
    assert derived.checksums() != before
    rebuild.reset_watermarks(["index_concentration"], derived.settings)
    derived.derive()
    assert derived.checksums() == before


def test_a_changed_file_is_followed_without_being_asked(
    derived: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REFERENCE, tmp_path / "reference")
    file = tmp_path / "reference" / "magnificent_seven.csv"
    monkeypatch.setattr(rebuild, "REFERENCE", file.parent)
    monkeypatch.setattr(index_concentration, "MAGNIFICENT_SEVEN", file)
    assert rebuild.reset_watermarks([], derived.settings) == []
    assert [weight for weight, _ in derived.read(ROWS).rows()] == [75.0, 75.0]
    file.write_text("ticker,company\nXOM,Exxon Mobil\n")
    assert rebuild.reset_watermarks([], derived.settings) == ["index_concentration"]
    derived.derive()
    assert [weight for weight, _ in derived.read(ROWS).rows()] == [25.0, 25.0]
    assert rebuild.reset_watermarks([], derived.settings) == []


def test_a_changed_formula_is_followed_without_being_asked(
    derived: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.connect.connections import connect

    before = derived.checksums()
    with connect(derived.settings, "owner") as connection:
        # what a former formula gave
        connection.execute("update derived.index_concentration set hhi = 1")
    assert rebuild.reset_watermarks([], derived.settings) == []
    raised = replace(index_concentration.TABLE, logic_version=2)
    monkeypatch.setattr(
        rebuild, "DERIVED_TABLES", {**DERIVED_TABLES, "index_concentration": raised}
    )
    assert rebuild.reset_watermarks([], derived.settings) == ["index_concentration"]
    derived.derive()
    assert derived.checksums() == before
    assert rebuild.reset_watermarks([], derived.settings) == []


def test_who_is_made_of_a_table_starts_over_with_it(derived: House) -> None:
    from warehouse.connect.connections import connect

    with connect(derived.settings) as connection:
        for table in TABLES:
            connection.execute(
                "insert into audit.derivation values (%s, 'company_fact', 1)"
                " on conflict do nothing",
                (table,),
            )
    assert rebuild.reset_watermarks(["debt_maturity"], derived.settings) == [
        "debt_maturity", "rate_shock", "refinancing_wall",
    ]  # fmt: skip
    reading_derived = {
        name for name, table in DERIVED_TABLES.items() if {*TABLES} & {*table.contract.upstream}
    }
    assert reading_derived == {
        *("rate_shock", "refinancing_wall", "zombie_status", "valuation"),
        *("rate_sensitivity", "seasonality", "streak_record"),
        *("claim_ledger", "scenario_monitor"),
    }


def test_a_name_that_is_no_derived_table_is_refused(derived: House) -> None:
    before = derived.read("select * from audit.derivation order by 1, 2").rows()
    with pytest.raises(UnknownTable, match="daily_price: no derived table; these are: claim_"):
        rebuild.reset_watermarks(["daily_price", "rate_shock"], derived.settings)
    assert derived.read("select * from audit.derivation order by 1, 2").rows() == before


def test_every_derived_table_is_found_with_the_inputs_of_its_contract() -> None:
    derived = {name for name, each in contracts().items() if each.schema == "derived"}
    assert set(TABLES) == derived
    for name, table in DERIVED_TABLES.items():
        assert table.name == name
        assert set(table.inputs) == set(table.contract.upstream) - derived
        assert table.contract.latest_date_column in table.contract.column_names
        assert all((REFERENCE / f"{file}.csv").exists() for file in table.reference_files)


def test_tables_are_derived_after_those_they_read() -> None:
    order = [*DERIVED_TABLES]
    for name, table in DERIVED_TABLES.items():
        upstream = {*TABLES} & {*table.contract.upstream}
        assert upstream <= set(order[: order.index(name)])
        # their watermarks cap those of the table, input by input
        assert all(set(DERIVED_TABLES[each].inputs) <= set(table.inputs) for each in upstream)
