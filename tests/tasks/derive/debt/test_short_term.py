"""Short-term borrowings beside a ladder: counted once, and due within twelve months."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.debt.ladder_windows import add_months, allocate_by_year, due_within
from tasks.derive.debt.ladders import build_ladders
from tasks.derive.debt.merged_ladders import complete_years, ladders_as_of
from tasks.derive.debt.short_term import add_short_term
from tests.tasks.derive.filings import day, fact, ladder

END = "2022-12-31"
WHOLE = {"year_1": 10.0, "year_2": 20.0, "year_3": 30.0, "year_4": 40.0, "year_5": 0.0}
ASSETS = fact("Assets", END, 900.0)


def short_term_of(facts):
    return [each.short_term_usd for each in add_short_term(build_ladders(facts), facts)]


@pytest.mark.parametrize(
    ("debt", "first", "short_term"),
    [
        # paper on its own line, beside the current portion
        ({"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10, "CommercialPaper": 50}, 10, 50),
        # the ladder's first year has it already
        ({"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 10, "CommercialPaper": 50}, 60, 0),
        # the first year is nearer to the portion alone: the ladder states principal
        ({"LongTermDebtNoncurrent": 90, "LongTermDebtCurrent": 9, "CommercialPaper": 2}, 10, 2),
        # without a current portion, by the total
        ({"LongTermDebt": 100, "ShortTermBorrowings": 50}, 10, 50),
        ({"LongTermDebt": 100, "ShortTermBorrowings": 50}, 60, 0),
        # borrowings that are the first year
        ({"LongTermDebtNoncurrent": 90, "ShortTermBorrowings": 10}, 10, 0),
        # all current debt on one line, with and without its parts
        ({"LongTermDebtNoncurrent": 90, "DebtCurrent": 60, "LongTermDebtCurrent": 10}, 10, 50),
        ({"LongTermDebtNoncurrent": 90, "DebtCurrent": 60, "CommercialPaper": 50}, 10, 50),
        ({"LongTermDebtNoncurrent": 90, "DebtCurrent": 60}, 10, 50),
        ({"LongTermDebtNoncurrent": 90, "DebtCurrent": 60}, 60, 0),
        # all debt on one line
        ({"DebtLongtermAndShorttermCombinedAmount": 150, "CommercialPaper": 50}, 10, 50),
        # total debt is unknown, or has no such part
        ({"CommercialPaper": 50}, 10, 50),
        ({"LongTermDebt": 100}, 10, 0),
        ({}, 10, 0),
    ],
)
def test_short_term_debt_that_the_ladder_leaves_out(debt, first, short_term):
    facts = [ASSETS, *(fact(tag, END, float(amount)) for tag, amount in debt.items())]
    facts += ladder(END, WHOLE | {"year_1": float(first), "after_5": 0.0})
    assert short_term_of(facts) == [short_term]


def test_short_term_debt_is_of_the_newest_filing_of_the_ladder():
    report = [fact("LongTermDebt", END, 100.0), *ladder(END, WHOLE | {"after_5": 0.0})]
    paper = fact("CommercialPaper", END, 50.0)
    amended = {"filed": "2023-06-01", "form": "10-K/A"}
    again = [
        *ladder(END, {"year_1": 10.0}, **amended),
        fact("CommercialPaper", END, 0.0, **amended),
    ]
    facts = [ASSETS, *report, paper, *again]
    assert short_term_of(facts) == [50.0, 0.0]
    ladders = add_short_term(build_ladders(facts), facts)
    (before,) = ladders_as_of(ladders, day("2023-03-31"))
    assert (before.due_within(12), before.total_usd) == (60_00, 150.0)
    (after,) = ladders_as_of(ladders, day("2023-06-30"))
    assert (after.due_within(12), after.total_usd) == (10_00, 100.0)


def test_years_after_a_near_ladder_are_of_the_whole_one():
    """The near one ends with 2026; of 2026 and later, 40 of 2027 and 60 after remain."""
    whole = build_ladders(ladder(END, WHOLE | {"year_5": 40.0, "after_5": 60.0}))
    near = build_ladders(
        [
            *ladder(END, WHOLE | {"year_5": 40.0, "after_5": 60.0}),
            *ladder(
                "2023-06-30",
                {"remainder": 5.0, "year_1": 21.0, "year_2": 31.0, "year_3": 41.0},
                form="10-Q",
                fp="Q2",
            ),
        ]
    )[-1]
    parts = complete_years(near.buckets, whole[0].buckets)
    by_year = {}
    for amount, window in parts:
        for year, part in allocate_by_year(amount, window).items():
            by_year[year] = by_year.get(year, 0) + part
    assert by_year == {2023: 500, 2024: 2100, 2025: 3100, 2026: 4100, 2027: 4000, 9999: 6000}
    # a ladder with an open end needs no other
    assert complete_years(whole[0].buckets, near.buckets) == [*whole[0].buckets.values()]


amounts = st.integers(0, 10**9).map(float)


@given(
    years=st.lists(amounts, min_size=6, max_size=6),
    paper=amounts,
    portion=st.none() | amounts,
    end=st.dates(date(2010, 1, 1), date(2024, 12, 31)),
)
def test_principal_of_the_wall_is_ladder_and_short_term(years, paper, portion, end):
    names = ("year_1", "year_2", "year_3", "year_4", "year_5", "after_5")
    facts = ladder(str(end), dict(zip(names, years, strict=True)))
    facts.append(fact("LongTermDebt", str(end), sum(years)))
    facts.append(fact("CommercialPaper", str(end), paper))
    if portion is not None:
        facts.append(fact("LongTermDebtCurrent", str(end), portion))
    (found,) = ladders_as_of(add_short_term(build_ladders(facts), facts), date(2026, 1, 1))
    short_term = found.amounts.get("short_term", 0)
    assert short_term in (0, round(100 * paper))
    total = round(100 * sum(years)) + short_term
    wall = [
        part
        for amount, window in complete_years(found.buckets, {})
        for part in allocate_by_year(amount, window).values()
    ]
    assert sum(wall) == sum(found.amounts.values()) == total
    soon, later = (
        due_within(found.amounts, found.windows, end, add_months(end, months))
        for months in (12, 36)
    )
    assert soon == round(100 * years[0]) + short_term
    assert soon <= later <= total
