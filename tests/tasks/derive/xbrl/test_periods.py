"""Quarters, fiscal years and trailing twelve months from filed periods."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.xbrl.facts import PointInTimeFacts
from tasks.derive.xbrl.periods import last_quarters, quarter, trailing_twelve_months
from tests.tasks.derive.filings import day, fact

TAG, NEWER = "InterestExpense", "InterestExpenseNonoperating"
DAY = timedelta(days=1)


def series(*facts, concept="interest_expense"):
    known = PointInTimeFacts(facts)
    known.advance_to(date(2099, 1, 1))
    return known.series(concept)


def quarterly_ends(first: date, weeks: list[int]) -> list[date]:
    ends = [first]
    for length in weeks:
        ends.append(ends[-1] + length * 7 * DAY)
    return ends


# four fiscal years of 52 weeks, in a retailer's quarters or everyone's, one of them with a 53rd
YEARS = st.builds(
    lambda shape, long: [(*shape[:3], shape[3] + (year == long)) for year in range(4)],
    st.sampled_from([(13, 13, 13, 13), (12, 12, 12, 16)]),
    st.integers(0, 4),
)


@given(weeks=YEARS, amounts=st.lists(st.integers(-(10**9), 10**9), min_size=16, max_size=16))
def test_quarters_from_year_to_date_amounts(weeks, amounts):
    """Filed as filers do: the quarter and the year to date in 10-Qs, the year in the 10-K."""
    ends = quarterly_ends(date(2019, 12, 28), [each for year in weeks for each in year])
    facts = []
    for number, amount in enumerate(amounts):
        start, end = ends[number] + DAY, ends[number + 1]
        first = ends[number - number % 4] + DAY
        so_far = sum(amounts[number - number % 4 : number + 1])
        form = "10-K" if number % 4 == 3 else "10-Q"
        facts.append(fact(TAG, str(end), so_far, start=str(first), form=form))
        if number % 4 in (1, 2):
            facts.append(fact(TAG, str(end), amount, start=str(start), form=form))
    spans = series(*facts)
    found = last_quarters(spans, ends[-1], 16)
    assert [each.value for each in found] == amounts[::-1]
    assert [each.end for each in found] == ends[:0:-1]
    for number in range(3, 16):
        total = trailing_twelve_months(spans, ends[number + 1])
        assert total.value == sum(amounts[number - 3 : number + 1])
        assert total.days in (364, 371)
    # a year needs four quarters
    assert trailing_twelve_months(spans, ends[3]) is None


def test_missing_quarter_is_unknown():
    spans = series(
        fact(TAG, "2022-12-31", 40, start="2022-01-01"),
        fact(TAG, "2023-03-31", 10, start="2023-01-01"),
        fact(TAG, "2023-09-30", 30, start="2023-01-01"),
    )
    assert quarter(spans, day("2023-09-30")) is None
    assert quarter(spans, day("2023-06-30")) is None
    # so is the year, without the first nine months of 2022
    assert trailing_twelve_months(spans, day("2023-09-30")) is None


def test_last_quarter_is_the_year_less_the_others():
    """Quarters alone in the 10-Qs, never the year to date: 100 - 20 - 24 - 27."""
    quarters = [
        fact(TAG, "2022-03-31", 20, start="2022-01-01", form="10-Q"),
        fact(TAG, "2022-06-30", 24, start="2022-04-01", form="10-Q"),
        fact(TAG, "2022-09-30", 27, start="2022-07-01", form="10-Q"),
        fact(TAG, "2023-03-31", 30, start="2023-01-01", form="10-Q"),
        fact(TAG, "2023-06-30", 31, start="2023-04-01", form="10-Q"),
    ]
    year = fact(TAG, "2022-12-31", 100, start="2022-01-01")
    spans = series(*quarters, year)
    assert quarter(spans, year.end).value == 29
    assert trailing_twelve_months(spans, day("2023-06-30")).value == 27 + 29 + 30 + 31
    # with one of them missing it is two quarters
    spans = series(*quarters[:1], *quarters[2:], year)
    assert quarter(spans, year.end) is None
    assert trailing_twelve_months(spans, day("2023-06-30")) is None


def test_period_may_start_a_day_early():
    """As filed by some: 100 + 30 - 20, and 100 - 75."""
    spans = series(
        fact(TAG, "2022-12-31", 100, start="2022-01-01"),
        fact(TAG, "2022-09-30", 75, start="2021-12-31", form="10-Q"),
        fact(TAG, "2022-03-31", 20, start="2021-12-31", form="10-Q"),
        fact(TAG, "2023-03-31", 30, start="2022-12-31", form="10-Q"),
    )
    total = trailing_twelve_months(spans, day("2023-03-31"))
    assert (total.value, total.start) == (110, day("2022-04-01"))
    assert quarter(spans, day("2022-12-31")).value == 25


def test_a_change_of_the_fiscal_year_leaves_a_gap():
    """From June to December: six months of transition, and no year across them."""
    spans = series(
        fact(TAG, "2022-06-30", 100, start="2021-07-01"),
        fact(TAG, "2022-12-31", 60, start="2022-07-01", form="10-KT"),
        fact(TAG, "2023-03-31", 35, start="2023-01-01"),
    )
    assert trailing_twelve_months(spans, day("2022-12-31")) is None
    assert trailing_twelve_months(spans, day("2023-03-31")) is None


def test_trailing_year_across_a_change_of_tags():
    """Nine months under the new tag, the prior year under the old one."""
    spans = series(
        fact(TAG, "2022-12-31", 100, start="2022-01-01"),
        fact(NEWER, "2022-09-30", 70, start="2022-01-01"),
        fact(NEWER, "2023-09-30", 90, start="2023-01-01"),
    )
    total = trailing_twelve_months(spans, day("2023-09-30"))
    assert (total.value, total.tags) == (120, (TAG, NEWER))
    # the last year of the old tag is unchanged
    assert trailing_twelve_months(spans, day("2022-12-31")).value == 100
    assert trailing_twelve_months(series(fact(TAG, "2022-12-31", 100)), day("2022-12-31")) is None


def test_one_tag_is_preferred_to_two():
    spans = series(
        fact(TAG, "2022-12-31", 100, start="2022-01-01"),
        fact(NEWER, "2022-12-31", 90, start="2022-01-01"),
        fact(NEWER, "2022-03-31", 20, start="2022-01-01"),
        fact(NEWER, "2023-03-31", 25, start="2023-01-01"),
    )
    assert trailing_twelve_months(spans, day("2023-03-31")).value == 95
    assert trailing_twelve_months(spans, day("2022-12-31")).value == 100


@pytest.mark.parametrize(("until", "value"), [("2023-02-09", None), ("2023-02-10", 40.0)])
def test_fact_is_known_from_known_from(until, value):
    known = PointInTimeFacts([fact(TAG, "2022-12-31", 40, start="2022-01-01", filed="2023-02-09")])
    known.advance_to(day(until))
    found = trailing_twelve_months(known.series("interest_expense"), day("2022-12-31"))
    assert (None if found is None else found.value) == value


def test_amendment_replaces_the_value_once_known():
    first = fact(TAG, "2022-12-31", 40, start="2022-01-01", filed="2023-02-09")
    amended = fact(TAG, "2022-12-31", 44, start="2022-01-01", filed="2023-06-01", form="10-K/A")
    for order in ([first, amended], [amended, first]):
        known = PointInTimeFacts(order)
        known.advance_to(day("2023-06-01"))
        assert trailing_twelve_months(known.series("interest_expense"), first.end).value == 40
        known.advance_to(day("2023-06-02"))
        total = trailing_twelve_months(known.series("interest_expense"), first.end)
        assert (total.value, total.accessions) == (44, (amended.accession,))


@pytest.mark.parametrize(
    ("year", "first", "restated", "total"),
    [
        # the shell company of 2021 earned 5; the merged company's nine months lost 60
        ([5], 3, -60, None),
        # a division was sold since; the year still includes it
        ([100], 75, 60, None),
        # a small reclassification since, which the year lacks: 100 + 90 - 75
        ([100], 75, 73, 115),
        # the year was restated first, then the nine months: 80 + 90 - 60
        ([100, 80], 75, 60, 110),
        # not restated: 100 + 90 - 75
        ([100], 75, 75, 115),
        # the nine months were first filed later
        ([100], None, 60, 130),
    ],
)
def test_part_restated_since_is_not_on_the_same_basis(year, first, restated, total):
    facts = [fact(TAG, "2022-09-30", 90, start="2022-01-01", filed="2022-11-10", form="10-Q")]
    for number, value in enumerate(year):
        filed = f"2022-0{3 + number}-10"
        facts.append(fact(TAG, "2021-12-31", value, start="2021-01-01", filed=filed))
    for value, filed in ((first, "2021-11-10"), (restated, "2022-11-10")):
        if value is not None:
            facts.append(fact(TAG, "2021-09-30", value, start="2021-01-01", filed=filed))
    spans = series(*facts)
    found = trailing_twelve_months(spans, day("2022-09-30"))
    assert (None if found is None else found.value) == total
    # so is the remaining quarter: the year less nine months
    last = quarter(spans, day("2021-12-31"))
    assert (last is None) == (total is None)


@pytest.mark.parametrize(
    ("first_day", "last", "total"),
    [
        # the year was filed before the restatement: 100 + 90 - 75
        ("2021-10-01", 25, 115),
        # the year was filed with the restatement: 100 + 90 - 73
        ("2021-10-01", 27, 117),
        # the days of the calendar quarter
        ("2021-10-04", 27, 117),
        # not a quarter: it tells nothing
        ("2021-11-01", 27, 115),
    ],
)
def test_last_quarter_tells_the_basis_of_the_year(first_day, last, total):
    """Nine months were restated from 75 to 73 after the year of 100 was filed."""
    found = trailing_twelve_months(
        series(
            fact(TAG, "2021-09-30", 75, start="2021-01-01", filed="2021-11-10", form="10-Q"),
            fact(TAG, "2021-12-31", 100, start="2021-01-01", filed="2022-03-10"),
            fact(TAG, "2021-12-31", last, start=first_day, filed="2022-03-10"),
            fact(TAG, "2021-09-30", 73, start="2021-01-01", filed="2022-11-10", form="10-Q"),
            fact(TAG, "2022-09-30", 90, start="2022-01-01", filed="2022-11-10", form="10-Q"),
        ),
        day("2022-09-30"),
    )
    assert found.value == total


@pytest.mark.parametrize(
    ("nine", "year", "last"),
    [
        # the nine months and the year once more in the reports of 2020, then the year restated
        (
            {"2019-11-08": 75, "2020-11-06": 75},
            {"2020-02": 100, "2021-02": 100, "2022-02": 80},
            None,
        ),
        ({"2019-11-08": 75}, {"2020-02": 100, "2020-06": 80}, None),
        ({"2019-11-08": 75}, {"2020-02": 100, "2020-06": 95}, 20),
        ({"2019-11-08": 75}, {"2020-02": 100, "2020-06": 80, "2020-07": 100}, 25),
        # both restated, the year repeated
        ({"2019-11-08": 75, "2020-11-06": 60}, {"2020-02": 100, "2020-06": 80, "2021-02": 80}, 20),
        # the year is first filed after the nine months were restated
        ({"2019-11-08": 75, "2020-01-10": 60}, {"2020-02": 80, "2021-02": 80}, 20),
    ],
)
def test_no_quarter_from_a_year_restated_alone(nine, year, last):
    spans = series(
        *(
            fact(TAG, "2019-09-30", value, start="2019-01-01", filed=filed)
            for filed, value in nine.items()
        ),
        *(
            fact(TAG, "2019-12-31", value, start="2019-01-01", filed=f"{month}-10")
            for month, value in year.items()
        ),
    )
    found = quarter(spans, day("2019-12-31"))
    assert (None if found is None else found.value) == last


def test_newest_period_is_preferred_to_the_preferred_tag():
    """An amount under a tag last used years ago is not the current one."""
    known = PointInTimeFacts(
        [
            fact("CashAndCashEquivalentsAtCarryingValue", "2018-12-31", 5),
            fact("Cash", "2022-12-31", 7),
            # filed before the period end: an error, ignored
            fact("Cash", "2030-12-31", 9, filed="2023-02-09"),
        ]
    )
    known.advance_to(day("2023-12-31"))
    assert known.newest_instant("cash", day("2023-12-31")).value == 7
    assert known.latest_period_end() == day("2022-12-31")
