"""The ladder that counts on a day: whole, newest for the near years, and not of repaid debt."""

import pytest

from tests.tasks.derive.filings import day, fact, ladder
from tests.tasks.derive.refinancing.test_company_refinancing import rows_of

END, QUARTER = "2022-12-31", "2023-03-31"
WHOLE = {
    "year_1": 10.0,
    "year_2": 20.0,
    "year_3": 30.0,
    "year_4": 40.0,
    "year_5": 50.0,
    "after_5": 60.0,
}
REPORT = [
    fact("Assets", END, 900.0),
    fact("LongTermDebt", END, 210.0),
    *ladder(END, WHOLE),
]
NEXT = {"form": "10-Q", "fp": "Q1"}


def row_of(quarter, on="2023-06-30"):
    facts = [*REPORT, fact("Assets", QUARTER, 900.0, **NEXT), *quarter]
    return rows_of(facts, ends=[day(on)])[day(on)]


def debt(amount, end=QUARTER, **given):
    return fact("LongTermDebt", end, amount, **(NEXT | given))


def test_newer_ladder_counts_for_its_years():
    """It ends with 2026, and with 110 of later years of the 10-K it is the debt of its day."""
    years = {"remainder": 8.0, "year_1": 21.0, "year_2": 31.0, "year_3": 41.0}
    row = row_of([debt(211.0), *ladder(QUARTER, years, **NEXT)])
    assert (row["ladder_period_end"], row["ladder_total_usd"]) == (day(END), 210.0)
    assert row["near_ladder_period_end"] == day(QUARTER)
    # 90 days of 2024, a leap year; 90 of 2026
    assert row["due_12m_usd"] == pytest.approx(8 + 21 * 91 / 366, abs=0.01)
    assert row["due_36m_usd"] == pytest.approx(8 + 21 + 31 + 41 * 90 / 365, abs=0.01)


@pytest.mark.parametrize(
    "years",
    [
        # the first of the next years is missing
        {"remainder": 8.0, "year_2": 31.0, "year_3": 41.0},
        # a part of the debt: of 211, the years to 2026 have 6 and those after it 110
        {"remainder": 0.0, "year_1": 2.0, "year_2": 2.0, "year_3": 2.0},
        # it ends within the next 36 months
        {"remainder": 8.0, "year_1": 21.0},
        # a bucket on its own
        {"year_1": 12.0},
        {"after_5": 200.0},
    ],
)
def test_newer_ladder_that_is_not_whole_changes_nothing(years):
    row = row_of([debt(211.0), *ladder(QUARTER, years, **NEXT)])
    assert row["ladder_period_end"] == row["near_ladder_period_end"] == day(END)
    assert (row["due_12m_usd"], row["due_36m_usd"]) == (10.0, 60.0)


@pytest.mark.parametrize(
    ("quarter", "is_stale"),
    [
        ([debt(0.0)], True),
        ([debt(150.0)], True),
        # 210 is 30 % above 162
        ([debt(162.0)], False),
        # the report states less under the tag, also of the day of the ladder
        ([debt(100.0), debt(101.0, END, filed="2023-05-10")], False),
        # only a part of the debt is known
        ([fact("SeniorNotes", QUARTER, 50.0, **NEXT)], False),
        ([], False),
    ],
)
def test_ladder_of_repaid_debt_no_longer_counts(quarter, is_stale):
    row = row_of(quarter)
    assert (row["ladder_period_end"], row["is_ladder_stale"]) == (day(END), is_stale)
    assert (row["due_12m_usd"], row["due_36m_usd"]) == ((None,) * 2 if is_stale else (10.0, 60.0))
    # not before the report
    assert row_of(quarter, on="2023-03-31")["due_12m_usd"] == 10.0


def test_ladder_of_what_remains_counts():
    rest = {"remainder": 0.0, "year_1": 0.0, "year_2": 30.0, "year_3": 20.0, "after_4": 0.0}
    facts = ladder(QUARTER, {b: a for b, a in rest.items() if b != "after_4"}, **NEXT)
    row = row_of([debt(50.0), *facts])
    assert (row["ladder_period_end"], row["is_ladder_stale"]) == (day(QUARTER), False)
    assert row["ladder_total_usd"] == 50.0


def test_single_bucket_counts_where_there_is_no_other_ladder():
    facts = [fact("Assets", END, 900.0), fact("LongTermDebt", END, 210.0)]
    facts += ladder(QUARTER, {"year_1": 12.0}, **NEXT)
    row = rows_of(facts, ends=[day("2023-06-30")])[day("2023-06-30")]
    assert (row["due_12m_usd"], row["due_36m_usd"]) == (12.0, None)
