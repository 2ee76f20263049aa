"""What a change of rates does, by hand."""

import pytest

from tasks.derive.index_debt import Company, shock_rows

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
    row = rise([Company("Energy", ROW, None), Company("Energy", UNKNOWN, None)])
    assert row["floating_debt_usd"] == 500
    assert row["share_coverage_pct"] == 50
    assert row["interest_change_usd"] == pytest.approx(5)
    assert row["interest_change_low_usd"] == pytest.approx(5)
    assert row["interest_change_high_usd"] == pytest.approx(15)
    assert row["pretax_change_pct"] == pytest.approx(-10)
    assert row["interest_coverage"] == 2
    assert row["interest_coverage_after"] == pytest.approx(200 / 105)
    assert row["interest_coverage_after_bound"] == pytest.approx(200 / 115)


def test_a_cut_is_bounded_the_other_way():
    rows = shock_rows([Company("Energy", ROW, None), Company("Energy", UNKNOWN, None)])
    cut = rows[0]
    assert cut["shock_bp"] == -100
    assert cut["interest_change_low_usd"] == pytest.approx(-15)
    assert cut["interest_change_high_usd"] == pytest.approx(-5)
    assert cut["pretax_change_pct"] == pytest.approx(10)


def test_what_is_disclosed_comes_before_what_is_implied():
    row = rise([Company("Energy", ROW | {"floating_share_disclosed": 0.2}, None)])
    assert row["floating_share"] == pytest.approx(0.2)


def test_financials_and_unknown_debt_are_left_out():
    bank = Company("Financials", ROW, None)
    assert shock_rows([bank]) == []
    assert shock_rows([Company("Energy", {}, None)]) == []
    row = rise([bank, Company("Energy", {}, None), Company("Energy", UNKNOWN, None)])
    assert (row["members"], row["members_with_debt"], row["members_with_share"]) == (2, 1, 0)
    assert row["floating_share"] is None
    assert row["pretax_change_pct"] is None
