"""Interest coverage by fiscal year, and the filings behind each amount."""

from datetime import date

import pytest

from tasks.derive.debt.interest import quarterly_interest
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.debt.test_filer_habits import ASSETS, END, flow, row_of
from tests.tasks.derive.filings import day, fact
from tests.tasks.derive.refinancing.test_company_refinancing import DAY, rows_of, years

TOTAL, NONOPERATING, OPERATING = (
    f"InterestExpense{half}" for half in ("", "Nonoperating", "Operating")
)
DEBT = f"{TOTAL}Debt"


def year_to_date(tag, *, first, now, last, form="10-Q"):
    """A year, and a quarter of it and of the next one."""
    return [
        flow(tag, "2022-01-01", "2022-12-31", last),
        flow(tag, "2022-01-01", "2022-03-31", first, form=form),
        flow(tag, "2023-01-01", "2023-03-31", now, form=form),
    ]


@pytest.mark.parametrize(
    ("first", "now", "last", "interest"),
    [
        (10.0, 15.0, 40.0, 45.0),
        (-10.0, -15.0, -40.0, 45.0),
        # the year negative, the quarters positive: it is unknown which is the error
        (10.0, 15.0, -40.0, None),
        # restated downwards: the sum is negative
        (50.0, 5.0, 40.0, None),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_interest_reported_as_negative(first, now, last, interest):
    parts = year_to_date("InterestExpense", first=first, now=now, last=last)
    row = row_of(*parts, fact("Assets", "2023-03-31", 5000.0), on=date(2023, 6, 30))
    assert row["interest_expense_ttm_usd"] == interest


def test_interest_paid_is_never_added_to_interest_accrued():
    """The expense once a year, interest paid every quarter."""
    expense = flow("InterestExpense", "2022-01-01", "2022-12-31", 40.0)
    paid = year_to_date("InterestPaidNet", first=10.0, now=15.0, last=36.0)
    later = fact("Assets", "2023-03-31", 5000.0)
    row = row_of(expense, *paid, later, on=date(2023, 6, 30))
    assert (row["interest_expense_ttm_usd"], row["interest_tags"]) == (41.0, "InterestPaidNet")
    row = row_of(expense, *paid[1:], later, on=date(2023, 6, 30))
    assert row["interest_expense_ttm_usd"] is None
    # at the year's end it is the expense
    row = row_of(expense, *paid[:2], ASSETS)
    assert (row["interest_expense_ttm_usd"], row["interest_tags"]) == (40.0, "InterestExpense")


def test_interest_in_annual_reports_alone_is_unknown_between_them():
    expense = flow("InterestExpense", "2022-01-01", "2022-12-31", 40.0)
    row = row_of(expense, fact("Assets", "2023-03-31", 5000.0), on=date(2023, 6, 30))
    assert (row["interest_expense_ttm_usd"], row["effective_rate"]) == (None, None)


def test_interest_by_the_year_to_date_alone():
    parts = [
        flow("InterestExpense", "2022-01-01", "2022-12-31", 40.0),
        flow("InterestExpense", "2022-01-01", "2022-09-30", 28.0, form="10-Q"),
        flow("InterestExpense", "2023-01-01", "2023-09-30", 36.0, form="10-Q"),
    ]
    row = row_of(*parts, fact("Assets", "2023-09-30", 5000.0), on=date(2023, 12, 31))
    assert row["interest_expense_ttm_usd"] == 48


def test_twelve_months_of_a_quarterly_report_are_not_a_fiscal_year():
    """Interest of 2021 to 2023 is not covered; that of twelve months to March is, 60 to 50."""
    facts = [*years([50, 50, 50], [10, 10, 10], first=2021), fact("Assets", "2024-03-31", 100.0)]
    for end in ("2024-03-31", "2023-03-31"):
        start = str(day(end).replace(year=day(end).year - 1) + DAY)
        for tag, amount in (("InterestExpense", 50.0), ("OperatingIncomeLoss", 60.0)):
            facts.append(fact(tag, end, amount, start=start, filed="2024-05-10", form="10-Q"))
    (row,) = rows_of(facts, ends=[date(2024, 6, 30)]).values()
    assert (row["years_below_one"], row["is_zombie"]) == (3, True)
    # as the last twelve months they count
    assert row["interest_coverage"] == pytest.approx(60 / 50)


def test_ebit_from_net_income_taxes_and_interest():
    """Neither EBIT nor pretax income: -100 + 0 + 50 of interest, four years long."""
    facts = [ASSETS]
    for year in range(2019, 2023):
        for tag, value in (("NetIncomeLoss", -100.0), ("IncomeTaxExpenseBenefit", 0.0)):
            facts.append(flow(tag, f"{year}-01-01", f"{year}-12-31", value))
        facts.append(flow("InterestPaidNet", f"{year}-01-01", f"{year}-12-31", 50.0))
    row = row_of(*facts)
    assert (row["pretax_income_ttm_usd"], row["interest_coverage"]) == (-100, -1)
    assert (row["years_below_one"], row["is_zombie"]) == (4, True)
    assert row["ebit_basis"] == "pretax income + interest paid"
    expense = [flow("InterestExpense", "2022-01-01", END, 50.0)]
    assert row_of(*facts, *expense)["ebit_basis"] == "pretax income + interest expense"


def test_sources_of_each_amount():
    """Interest of 2022 on the debt of 2021 and 2022; the year that ended the count; cash alone."""
    first, second = "0000000001-22-000001", "0000000001-23-000001"
    facts = [
        fact("LongTermDebt", "2021-12-31", 900.0, accession=first),
        fact("LongTermDebt", END, 1100.0, accession=second),
        flow("InterestExpense", "2021-01-01", "2021-12-31", 45.0, accession=first),
        flow("InterestExpense", "2022-01-01", END, 50.0, accession=second),
        flow("OperatingIncomeLoss", "2021-01-01", "2021-12-31", 45.0, accession=first),
        flow("OperatingIncomeLoss", "2022-01-01", END, 5.0, accession=second),
    ]
    row = row_of(*facts)
    assert (row["effective_rate"], row["years_below_one"]) == (0.05, 1)
    assert row["sources"] == (
        f"total_debt_usd: {second}; interest_expense_ttm_usd: {second}; ebit_ttm_usd: {second};"
        f" years_below_one: {first} {second}; effective_rate: {first} {second}"
    )
    row = row_of(fact("Cash", END, 1e6, accession=second))
    assert (row["cash_usd"], row["sources"]) == (1e6, f"cash_usd: {second}")


@pytest.mark.parametrize(
    ("filed", "interest", "tags"),
    [
        # Caterpillar: of its own debt, and of its lending business
        ({NONOPERATING: 5.0, OPERATING: 13.0}, 18.0, f"{NONOPERATING} {OPERATING}"),
        ({TOTAL: 18.0, NONOPERATING: 5.0, OPERATING: 13.0}, 18.0, TOTAL),
        # a note of one loan under the name of the total
        ({TOTAL: 2.0, NONOPERATING: 40.0}, 40.0, NONOPERATING),
        ({TOTAL: 40.0, NONOPERATING: 12.0}, 40.0, TOTAL),
        ({OPERATING: 13.0}, 13.0, OPERATING),
        ({TOTAL: 3.0, DEBT: 40.0}, 40.0, DEBT),
        # before capitalized interest, or with costs of early repayment
        ({TOTAL: 20.0, DEBT: 40.0}, 20.0, TOTAL),
        ({TOTAL: 0.0, "InterestAndDebtExpense": 40.0}, 40.0, "InterestAndDebtExpense"),
    ],
)
def test_interest_is_not_below_its_parts(filed, interest, tags):
    facts = [flow(tag, "2022-01-01", END, value) for tag, value in filed.items()]
    row = row_of(ASSETS, *facts)
    assert (row["interest_expense_ttm_usd"], row["interest_tags"]) == (interest, tags)


def test_negative_interest_of_a_positive_filer_is_unknown():
    """40 and 44 were expenses; the next year's -9 may be net interest income."""
    facts = [
        flow(TOTAL, "2020-01-01", "2020-12-31", 40.0),
        flow(TOTAL, "2021-01-01", "2021-12-31", 44.0),
        flow(TOTAL, "2022-01-01", END, -9.0),
        *(fact("Assets", each, 5000.0) for each in ("2020-12-31", "2021-12-31", END)),
    ]
    found = rows_of(facts, ends=[date(2022, 3, 31), date(2023, 3, 31)])
    assert [row["interest_expense_ttm_usd"] for row in found.values()] == [44.0, None]
    paid = flow("InterestPaidNet", "2022-01-01", END, 31.0)
    assert row_of(*facts, paid)["interest_expense_ttm_usd"] == 31.0
    # still unknown when the earlier expenses are restated later
    since = [
        flow(TOTAL, f"{year}-01-01", f"{year}-12-31", cost, filed="2023-06-01")
        for year, cost in ((2020, 41.0), (2021, 45.0))
    ]
    assert row_of(*facts, *since, on=date(2023, 6, 30))["interest_expense_ttm_usd"] is None


@pytest.mark.parametrize(
    ("again", "found"),
    [
        # small filers repeat one year, or none; earlier years stay negative
        ({2021: 50.0}, (4, True)),
        ({}, (4, True)),
        # positive and negative: the interest of 2021 is unknown
        ({2021: -50.0}, (None, None)),
    ],
)
def test_change_from_negative_to_positive_interest(again, found):
    """EBIT of 10, interest of 50 since 2019; positive from the report of 2022 on."""
    facts = [fact("Assets", each, 5000.0) for each in ("2021-12-31", END)]
    facts += yearly("OperatingIncomeLoss", range(2019, 2023), 10.0)
    facts += yearly(TOTAL, range(2019, 2022), -50.0) + yearly(TOTAL, [2022], 50.0)
    for year, amount in again.items():
        facts += yearly(TOTAL, [year], amount, filed="2023-02-09")
    rows = rows_of(facts, ends=[date(2022, 3, 31), date(2023, 3, 31)]).values()
    assert [(row["years_below_one"], row["is_zombie"]) for row in rows] == [(3, True), found]


def yearly(tag, years, amount, *, filed=None):
    return [flow(tag, f"{y}-01-01", f"{y}-12-31", amount, filed=filed) for y in years]


@pytest.mark.parametrize(
    ("first", "second", "interest", "coverage"),
    [
        # 60 against 50 under the one name, then under the other
        ({OPERATING: 50.0}, {NONOPERATING: 50.0}, 50.0, 1.2),
        ({TOTAL: 50.0, OPERATING: 50.0}, {NONOPERATING: 50.0}, 50.0, 1.2),
        # a little more since: 60 against 48, or a division was sold
        ({OPERATING: 50.0}, {NONOPERATING: 48.0}, 48.0, 1.25),
        # both names for one line of the same report
        ({OPERATING: 50.0}, {OPERATING: 50.0, NONOPERATING: 50.0}, 50.0, 1.2),
        # the next report repeats or restates one part: 60 to 18, 60 to 20
        ({OPERATING: 13.0, NONOPERATING: 5.0}, {NONOPERATING: 5.0}, 18.0, 60 / 18),
        ({OPERATING: 13.0, NONOPERATING: 5.0}, {OPERATING: 15.0}, 20.0, 3.0),
    ],
)
def test_interest_under_a_new_tag_is_not_added(first, second, interest, coverage):
    """The years 2020 to 2022, and again in the next report."""
    facts = [ASSETS, *yearly("OperatingIncomeLoss", range(2020, 2023), 60.0)]
    for filed, amounts in (("2023-02-20", first), ("2023-11-08", second)):
        for tag, amount in amounts.items():
            facts += yearly(tag, range(2020, 2023), amount, filed=filed)
    row = row_of(*facts, on=date(2023, 12, 31))
    assert row["interest_expense_ttm_usd"] == interest
    assert row["interest_coverage"] == pytest.approx(coverage)
    assert row["is_zombie"] is False
    # the next report is not known before
    then = row_of(*facts)
    assert then["interest_expense_ttm_usd"] == (50.0 if 50.0 in first.values() else 18.0)


def known_of(facts):
    known = PointInTimeFacts(facts)
    known.advance_to(date.max)
    return known


def quarters_and_renamed_year(year_amount, restated=None):
    """Three quarters under the old tag, the year and the next quarters under the new one."""
    old = [
        flow(TOTAL, f"2022-{start}", f"2022-{end}", 10.0, form="10-Q")
        for start, end in (("01-01", "03-31"), ("04-01", "06-30"), ("07-01", "09-30"))
    ]
    year = flow(NONOPERATING, "2022-01-01", "2022-12-31", year_amount)
    later = flow(NONOPERATING, "2023-01-01", "2023-03-31", 12.0, form="10-Q")
    paid = [
        flow("InterestPaidNet", "2022-01-01", "2022-12-31", 50.0),
        flow("InterestPaidNet", "2023-01-01", "2023-03-31", 1.0, form="10-Q"),
    ]
    shared = []
    if restated is not None:
        shared = [flow(NONOPERATING, "2022-01-01", "2022-03-31", restated, filed="2023-05-10")]
    return [*old, year, later, *paid, *shared]


def test_quarters_run_through_a_renamed_tag():
    """42 of the year less 30 of three quarters under the old tag."""
    for restated in (None, 10.0):
        known = known_of(quarters_and_renamed_year(42.0, restated))
        found = quarterly_interest(known, day("2023-03-31"), count=8, min_count=5)
        assert [each.value for each in found] == [12.0, 12.0, 10.0, 10.0, 10.0]


def test_tag_with_other_amounts_of_the_same_quarter_was_not_renamed():
    known = known_of(quarters_and_renamed_year(42.0, restated=4.0))
    found = quarterly_interest(known, day("2023-03-31"), count=8, min_count=2)
    assert [each.value for each in found] == [1.0]
