"""What a change of rates does, by hand."""

from datetime import date

import pandas as pd
import pytest

from expectations.tables import company
from tasks.derive.refinancing.index_totals import IndexCompany, shock_rows
from tests.tasks.derive.filings import Filers, fact

ROW = {
    "total_debt_usd": 1000.0,
    "floating_share_disclosed": None,
    "implied_floating_share": 0.5,
    "pretax_income_ttm_usd": 50.0,
    "ebit_ttm_usd": 100.0,
    "interest_expense_ttm_usd": 50.0,
}
UNKNOWN = ROW | {"implied_floating_share": None}


def rise(companies):
    return {row["shock_bp"]: row for row in shock_rows(companies)}[100]


def test_floating_debt_costs_more_and_unknown_debt_is_bounded():
    row = rise([IndexCompany("Energy", ROW, None), IndexCompany("Energy", UNKNOWN, None)])
    assert row["floating_debt_usd"] == 500
    assert row["floating_share_coverage_pct"] == 50
    assert row["interest_change_usd"] == pytest.approx(5)
    assert row["interest_change_low_usd"] == pytest.approx(5)
    assert row["interest_change_high_usd"] == pytest.approx(15)
    assert row["pretax_change_pct"] == pytest.approx(-10)
    assert row["interest_coverage"] == 2
    assert row["interest_coverage_after"] == pytest.approx(200 / 105)
    assert row["interest_coverage_after_bound"] == pytest.approx(200 / 115)


def test_a_cut_is_bounded_the_other_way():
    rows = shock_rows([IndexCompany("Energy", ROW, None), IndexCompany("Energy", UNKNOWN, None)])
    cut = rows[0]
    assert cut["shock_bp"] == -100
    assert cut["interest_change_low_usd"] == pytest.approx(-15)
    assert cut["interest_change_high_usd"] == pytest.approx(-5)
    assert cut["pretax_change_pct"] == pytest.approx(10)


def test_what_is_disclosed_comes_before_what_is_implied():
    row = rise([IndexCompany("Energy", ROW | {"floating_share_disclosed": 0.2}, None)])
    assert row["floating_share"] == pytest.approx(0.2)


def test_financials_and_unknown_debt_are_left_out():
    bank = IndexCompany("Financials", ROW, None)
    assert shock_rows([bank]) == []
    assert shock_rows([IndexCompany("Energy", {}, None)]) == []
    row = rise([bank, IndexCompany("Energy", {}, None), IndexCompany("Energy", UNKNOWN, None)])
    assert (row["members"], row["members_with_debt"], row["members_with_floating_share"]) == (
        2,
        1,
        0,
    )
    assert row["floating_share"] is None
    assert row["pretax_change_pct"] is None


def test_a_bank_without_a_sector_is_told_by_its_industry(house):
    """As in company_refinancing: its debt is no company's that pays interest on it."""
    filers = Filers(house)
    debts = {1: 100.0, 2: 7000.0}
    filers.load_all({cik: [fact("LongTermDebt", "2022-12-31", usd)] for cik, usd in debts.items()})
    said = pd.DataFrame({"cik": [1, 2], "name": ["Mill", "Bank"], "sic": ["3312", "6022"]})
    said = said.reindex(columns=[*company.CONTRACT.input_columns])
    said["first_filed_date"] = pd.Timestamp("2009-01-05")
    house.load((company.CONTRACT, said))
    filers.load_tickers({"MILL": 1, "BANK": 2})
    house.load_snapshot("R2000", date(2023, 1, 3), [("MILL", "Energy", 1.0), ("BANK", None, 1.0)])
    house.load_prices([("MILL", date(2023, 4, 3), 10.0, 1)])
    filers.derive()
    shocks = house.read(
        "select distinct members, total_debt_usd from published.rate_shock"
        " where sector = 'All' and as_of_date = '2023-03-31'"
    )
    assert shocks.rows() == [(1, 100.0)]
