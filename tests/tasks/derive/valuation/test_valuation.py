"""Multiples of a few companies, by hand."""

from datetime import date

import pytest

from tasks.derive.valuation import valuation
from tasks.derive.valuation.valuation import CompanyValue, ValuedMember, valuation_row
from tests.tasks.derive.filings import Filers, fact

PROFIT = ValuedMember(2.0, CompanyValue(100.0, 20.0, 50.0))
LOSS = ValuedMember(1.0, CompanyValue(200.0, -5.0, None))
UNKNOWN = ValuedMember(2.0, None)


def test_ratios_of_sums_with_and_without_loss_makers():
    row = valuation_row([PROFIT, LOSS])
    assert row["price_to_earnings"] == pytest.approx(300 / 15)
    assert row["price_to_earnings_ex_losers"] == pytest.approx(100 / 20)
    assert row["earnings_yield"] == pytest.approx(15 / 300)
    assert row["price_to_sales"] == pytest.approx(100 / 50)
    assert (row["members"], row["members_with_earnings"], row["loss_makers"]) == (2, 2, 1)
    assert row["earnings_coverage_pct"] == pytest.approx(100)
    assert row["sales_coverage_pct"] == pytest.approx(200 / 3)


def test_multiples_need_figures_of_60_percent_of_the_weight():
    row = valuation_row([PROFIT, LOSS, UNKNOWN])
    # earnings of exactly 3 of 5, revenue of 2 of 5
    assert row["earnings_coverage_pct"] == pytest.approx(60)
    assert row["price_to_earnings"] == pytest.approx(20)
    assert row["price_to_sales"] is None
    row = valuation_row([PROFIT, UNKNOWN])
    names = ("price_to_earnings", "price_to_earnings_ex_losers", "earnings_yield")
    assert [row[name] for name in names] == [None] * 3


def test_net_loss_has_no_multiple_and_a_negative_yield():
    row = valuation_row([LOSS])
    assert row["price_to_earnings"] is None
    assert row["price_to_earnings_ex_losers"] is None
    assert row["earnings_yield"] == pytest.approx(-5 / 200)


def file_year(income, shares):
    """A year's report, and a cover page with the count of shares a month later."""
    start, end = "2022-01-01", "2022-12-31"
    return [
        fact("Revenues", end, 100.0, start=start),
        fact("NetIncomeLoss", end, income, start=start),
        fact("Assets", end, 100.0),
        fact("Liabilities", end, 60.0),
        fact("EntityCommonStockSharesOutstanding", "2023-01-31", shares),
    ]


def test_indexes_of_a_warehouse(house):
    """T1 splits after its cover page, T3 has two classes, T4 never filed, L is large."""
    filers = Filers(house)
    filed = {1: (20.0, 10.0), 2: (-5.0, 20.0), 3: (30.0, 30.0), 9: (50.0, 100.0)}
    filers.load_all({cik: file_year(*figures) for cik, figures in filed.items()})
    filers.load_tickers({"T1": 1, "T2": 2, "T3": 3, "T3B": 3, "L": 9})
    weights = {"T1": 2.0, "T2": 1.0, "T3": 2.0, "T3B": 1.0, "T4": 1.0}
    members = [(ticker, "Energy", weight) for ticker, weight in weights.items()]
    house.load_snapshot("R2000", date(2020, 1, 2), members)
    house.load_snapshot("SP500", date(2020, 1, 2), [("L", "Energy", 1.0)])
    session = date(2023, 3, 31)
    closes = {**dict.fromkeys(weights, 10.0), "T1": 5.0, "L": 10.0}
    bars = [(ticker, session, close, 1) for ticker, close in closes.items()]
    house.load_prices(bars, [("T1", date(2023, 2, 15), "split", 2.0)])
    filers.derive()
    house.derive(valuation)
    (row,) = house.read(
        "select * from published.valuation"
        " where index_code = 'R2000' and sector = 'All' and as_of_date = '2023-03-31'"
    ).rows(named=True)
    # 10 shares became 20 at 5; T3's classes are one company at the price of the larger
    assert row["market_value_usd"] == pytest.approx(10 * 2 * 5 + 20 * 10 + 30 * 10)
    assert row["price_to_earnings"] == pytest.approx(600 / 45)
    assert row["price_to_earnings_ex_losers"] == pytest.approx(400 / 50)
    assert row["price_to_sales"] == pytest.approx(600 / 300)
    assert (row["members"], row["members_with_earnings"], row["loss_makers"]) == (4, 3, 1)
    assert row["earnings_coverage_pct"] == pytest.approx(100 * 6 / 7)
    (gap,) = house.read(
        "select * from published.valuation_gap where sector = 'All' and as_of_date = '2023-03-31'"
    ).rows(named=True)
    assert (gap["large_pe_ex_losers"], gap["small_pe_ex_losers"]) == pytest.approx((20, 8))
    assert gap["gap_ex_losers"] == pytest.approx(12)
    # one quarter-end gives no standard deviation
    assert gap["gap_zscore"] is None
