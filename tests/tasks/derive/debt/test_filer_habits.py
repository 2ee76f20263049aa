"""Unusual filings of real companies: the right value or NULL, never a wrong value."""

from datetime import date

import pytest

from tests.tasks.derive.filings import day, fact, ladder
from tests.tasks.derive.refinancing.test_company_refinancing import rows_of, years

END, ON = "2022-12-31", date(2023, 3, 31)
ASSETS = fact("Assets", END, 5000.0)
WHOLE = {"year_1": 10, "year_2": 20, "year_3": 30, "year_4": 40, "year_5": 50, "after_5": 60}


def row_of(*facts, on=ON):
    (row,) = rows_of(facts, ends=[on]).values()
    return row


def flow(tag, start, end, value, **given):
    return fact(tag, end, value, start=start, **given)


def test_coverage_is_unknown_without_income_and_interest():
    """No income and no interest: coverage is unknown rather than sufficient."""
    row = row_of(fact("LongTermDebt", END, 100.0), *ladder(END, WHOLE))
    missing = ("years_below_one", "is_zombie", "is_unprofitable", "interest_coverage")
    assert [row[name] for name in missing] == [None] * 4
    assert row["total_debt_usd"] == 100


def test_years_before_a_change_of_tags_are_out_of_date():
    """Income under custom tags since 2018: a zombie then is not known to be one now."""
    facts = years([10, 10, 10], [5, 5, 5], first=2015)
    assert row_of(*facts, on=date(2018, 3, 31))["is_zombie"] is True
    assert row_of(*facts, ASSETS)["is_zombie"] is None


def test_income_includes_minority_interest_where_no_other_is_filed():
    row = row_of(flow("ProfitLoss", "2022-01-01", END, -7.0), ASSETS)
    assert (row["net_income_ttm_usd"], row["is_unprofitable"]) == (-7.0, True)


def test_a_year_restated_by_the_next_report_is_not_known_before():
    facts = [
        flow("OperatingIncomeLoss", "2021-01-01", "2021-12-31", 100.0),
        flow("OperatingIncomeLoss", "2021-01-01", "2021-12-31", 90.0, filed="2023-02-09"),
        flow("OperatingIncomeLoss", "2022-01-01", "2022-12-31", 95.0),
        *(fact("Assets", each, 9.0) for each in ("2021-12-31", END)),
    ]
    found = rows_of(facts, ends=[date(2022, 12, 31), ON])
    assert [row["ebit_ttm_usd"] for row in found.values()] == [100.0, 95.0]


def test_amendment_of_some_tags_keeps_the_others():
    report = [
        ASSETS,
        fact("LongTermDebtNoncurrent", END, 190.0),
        fact("LongTermDebtCurrent", END, 10.0),
        *ladder(END, WHOLE),
    ]
    amended = [
        fact("LongTermDebtCurrent", END, 12.0, filed="2023-03-01", form="10-K/A"),
        *ladder(END, {"year_1": 12.0}, filed="2023-03-01", form="10-K/A"),
    ]
    row = row_of(*report, *amended)
    assert (row["total_debt_usd"], row["ladder_total_usd"]) == (202.0, 212.0)
    assert (row["due_12m_usd"], row["due_36m_usd"]) == (12.0, 62.0)
    assert row["ladder_gap_pct"] == pytest.approx(100 * (212 / 202 - 1))
    # without the amendment
    assert row_of(*report)["total_debt_usd"] == 200.0


def test_transition_period_leaves_a_gap_in_trailing_interest():
    """From June to December by a 10-KT: a half year is not a fiscal year; the next one is."""
    facts = [
        flow("InterestExpense", "2020-07-01", "2021-06-30", 30.0),
        flow("InterestExpense", "2021-07-01", "2021-12-31", 20.0, form="10-KT"),
        flow("InterestExpense", "2022-01-01", "2022-12-31", 44.0),
        *(fact("Assets", each, 9.0) for each in ("2021-06-30", "2021-12-31", END)),
        *ladder("2021-12-31", WHOLE, form="10-KT"),
    ]
    found = rows_of(facts, ends=[date(2021, 12, 31), date(2022, 3, 31), ON])
    assert [row["interest_expense_ttm_usd"] for row in found.values()] == [30.0, None, 44.0]
    # the annual report after it came without a ladder
    assert [row["due_12m_usd"] for row in found.values()] == [None, 10.0, None]


def test_ladder_of_zeros_has_zero_principal_due():
    nothing = dict.fromkeys(WHOLE, 0.0)
    row = row_of(ASSETS, fact("LongTermDebt", END, 0.0), *ladder(END, nothing))
    assert (row["total_debt_usd"], row["due_36m_usd"], row["ladder_gap_pct"]) == (0, 0, None)
    row = row_of(ASSETS, fact("LongTermDebt", END, 500.0), *ladder(END, nothing))
    assert (row["due_12m_usd"], row["ladder_gap_pct"]) == (0, -100)


def test_principal_due_is_unknown_without_the_first_bucket():
    """JetBlue, June 2011: no fact for the remainder of the fiscal year."""
    amounts = {bucket: amount for bucket, amount in WHOLE.items() if bucket != "year_1"}
    row = row_of(ASSETS, fact("LongTermDebt", END, 200.0), *ladder(END, amounts))
    assert (row["due_12m_usd"], row["due_36m_usd"]) == (None, None)
    assert row["is_ladder_partial"] is True


def test_remainder_with_a_full_first_year_at_year_end_has_no_dates():
    amounts = {"remainder": 5.0, **WHOLE}
    row = row_of(ASSETS, fact("LongTermDebt", END, 215.0), *ladder(END, amounts))
    assert row["due_12m_usd"] is None
    row = row_of(ASSETS, fact("LongTermDebt", END, 210.0), *ladder(END, amounts | {"remainder": 0}))
    assert row["due_12m_usd"] == 10


def test_principal_due_is_from_the_ladder_not_the_current_portion():
    row = row_of(
        fact("LongTermDebt", END, 210.0),
        fact("LongTermDebtCurrent", END, 10.0),
        *ladder(END, WHOLE),
    )
    assert (row["total_debt_usd"], row["due_12m_usd"]) == (210, 10)
    assert row_of(fact("LongTermDebtCurrent", END, 10.0), ASSETS)["due_12m_usd"] is None


@pytest.mark.parametrize(("scale", "gap"), [(1e3, 99_900), (1e-3, -99.9), (1e-6, -99.9999)])
def test_ladder_in_other_units_than_the_debt_is_implausible(scale, gap):
    amounts = {bucket: 1e9 * scale * amount for bucket, amount in WHOLE.items()}
    row = row_of(ASSETS, fact("LongTermDebt", END, 210e9), *ladder(END, amounts))
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (True, None)
    assert row["ladder_gap_pct"] == pytest.approx(gap, rel=1e-2)


def test_ladder_with_a_negative_amount_is_implausible_until_corrected():
    """60 + 45 - 5 equals the debt, but shares of the wall would exceed 1."""
    amounts = {"year_1": 60.0, "year_2": 45.0, "after_5": -5.0}
    report = [ASSETS, fact("LongTermDebt", END, 100.0), *ladder(END, amounts)]
    row = row_of(*report)
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (True, None)
    assert (row["ladder_total_usd"], row["ladder_gap_pct"]) == (100, 0)
    corrected = ladder(END, {"after_5": 5.0}, filed="2023-03-01", form="10-K/A")
    row = row_of(*report, *corrected)
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (False, 60)
    # the corrected ladder counts, though another is newer
    later = ladder("2023-03-31", amounts, form="10-Q")
    row = row_of(*report, *corrected, *later, on=date(2023, 6, 30))
    assert (row["ladder_period_end"], row["due_12m_usd"]) == (day(END), 60)


def test_partial_debt_under_the_same_tag_keeps_the_ladder_plausible():
    """Asbury's 10-Q of 2024: less than all long-term debt, for the prior year too."""
    report = [ASSETS, fact("LongTermDebt", END, 212.0), *ladder(END, WHOLE)]
    later = {"filed": "2023-05-01", "form": "10-Q"}
    narrower = [
        fact("LongTermDebt", END, 140.0, **later),
        fact("LongTermDebt", "2023-03-31", 138.0, **later),
        fact("Assets", "2023-03-31", 5000.0, **later),
    ]
    row = row_of(*report, *narrower, on=date(2023, 6, 30))
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (False, 10)
    assert row["ladder_gap_pct"] == pytest.approx(100 * (210 / 212 - 1))


@pytest.mark.parametrize("bound", [{"Liabilities": 120.0}, {"StockholdersEquity": 380.0}])
def test_unit_error_in_debt_keeps_the_ladder_plausible(bound):
    """Liabilities are 120 of assets of 500, so notes of 2,000 are an error."""
    filed = {"Assets": 500.0, "LongTermDebt": 2.0, "NotesPayable": 2000.0, **bound}
    facts = [fact(tag, END, value) for tag, value in filed.items()]
    row = row_of(*facts, *ladder(END, {"year_1": 1.0, "year_2": 1.0}))
    assert (row["total_debt_usd"], row["ladder_gap_pct"]) == (2, 0)
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (False, 1)


def test_cash_after_the_balance_sheet_date_is_not_a_period_end():
    """A small company's note on how long its money lasts."""
    facts = [
        ASSETS,
        fact("LongTermDebt", END, 100.0),
        fact("Cash", END, 30.0),
        fact("Cash", "2023-02-05", 25.0, filed="2023-02-09"),
        flow("NetIncomeLoss", "2022-01-01", END, -5.0),
    ]
    row = row_of(*facts)
    assert (row["period_end"], row["cash_usd"]) == (day(END), 30.0)
    assert (row["total_debt_usd"], row["net_income_ttm_usd"]) == (100.0, -5.0)


def test_revenue_after_the_balance_sheet_date_is_not_a_period_end():
    """January's revenue in the annual report of December."""
    facts = [
        ASSETS,
        fact("LongTermDebt", END, 210.0),
        *ladder(END, WHOLE),
        flow("Revenues", "2022-01-01", END, 900.0),
        flow("Revenues", "2023-01-01", "2023-01-31", 80.0, filed="2023-02-09"),
        flow("NetIncomeLoss", "2022-01-01", END, -5.0),
    ]
    row = row_of(*facts)
    assert (row["period_end"], row["filed_date"]) == (day(END), day("2023-02-09"))
    assert (row["total_debt_usd"], row["net_income_ttm_usd"]) == (210.0, -5.0)
    # without any balance sheet, income marks the period
    row = row_of(*facts[-1:])
    assert (row["period_end"], row["net_income_ttm_usd"]) == (day(END), -5.0)


def test_ladder_alone_marks_a_period_without_total_debt():
    """LKQ: the maturity schedule is its only debt disclosure with facts."""
    row = row_of(*ladder(END, WHOLE), fact("DebtCurrent", "2021-12-31", 5.0))
    assert (row["period_end"], row["ladder_period_end"]) == (day(END), day(END))
    assert (row["total_debt_usd"], row["due_12m_usd"], row["ladder_gap_pct"]) == (None, 10, None)
    # Ryman: a total filed years ago does not make a ladder of today implausible
    row = row_of(*ladder(END, WHOLE), fact("LongTermDebt", "2014-12-31", 100.0))
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (False, 10)


@pytest.mark.parametrize(("before", "is_excessive"), [(150.0, False), (20.0, True)])
def test_debt_may_have_grown_since_the_last_annual_total(before, is_excessive):
    """Ryman, 2018, after it bought a resort: no total of the day, a smaller one before."""
    row = row_of(*ladder(END, WHOLE), fact("LongTermDebt", "2021-12-31", before))
    assert (row["is_ladder_implausible"], row["due_12m_usd"] is None) == (
        is_excessive,
        is_excessive,
    )


def test_lower_bound_has_no_rate_and_keeps_the_ladder_plausible():
    """Notes of 100 and term loans of 60 of a trust, a ladder of 160, and no total filed."""
    amounts = {"year_1": 10, "year_2": 20, "year_3": 30, "year_4": 40, "year_5": 50, "after_5": 10}
    facts = [
        *(fact("NotesPayable", each, 100.0) for each in ("2021-12-31", END)),
        *(fact("LoansPayable", each, 60.0) for each in ("2021-12-31", END)),
        flow("InterestExpense", "2022-01-01", END, 8.0),
        *ladder(END, amounts),
        ASSETS,
    ]
    row = row_of(*facts)
    assert (row["total_debt_usd"], row["effective_rate"]) == (100.0, None)
    assert (row["is_ladder_implausible"], row["due_12m_usd"]) == (False, 10.0)
    assert row["ladder_gap_pct"] is None
    # with the notes alone: 8 on 100
    row = row_of(*(each for each in facts if each.tag != "LoansPayable"))
    assert row["effective_rate"] == 0.08


def test_negative_equity_and_zero_debt_are_valid():
    row = row_of(ASSETS, fact("StockholdersEquity", END, -50.0), fact("LongTermDebt", END, 0.0))
    assert row["total_debt_usd"] == 0
    assert row["effective_rate"] is None


def test_ifrs_filer_has_no_row():
    """A 20-F by IFRS has cover-page shares and no US-GAAP tag."""
    cover = fact("EntityCommonStockSharesOutstanding", END, 1e6, form="20-F")
    assert rows_of([cover], ends=[ON]) == {}


def test_rolling_ladder_in_quarterly_reports():
    """Douglas Emmett: no remainder, every bucket, amounts of no fiscal year."""
    annual = {"year_1": 9, "year_2": 565, "year_3": 296, "year_4": 1, "year_5": 1041}
    interim = {"year_1": 16, "year_2": 146, "year_3": 371, "year_4": 301, "year_5": 1656}
    facts = [
        *ladder("2017-12-31", annual | {"after_5": 2241}),
        *ladder("2018-03-31", interim | {"after_5": 1661}, form="10-Q", fp="Q1"),
        fact("LongTermDebt", "2017-12-31", 4153.0),
        fact("LongTermDebt", "2018-03-31", 4151.0),
    ]
    row = row_of(*facts, on=date(2018, 6, 30))
    assert row["ladder_period_end"] == day("2018-03-31")
    assert (row["due_12m_usd"], row["due_36m_usd"]) == (16, 533)
