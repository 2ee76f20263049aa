"""Dates of ladder buckets, and principal due by a day."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.debt.ladder_windows import Window, add_months, allocate_by_year, due_within
from tasks.derive.debt.ladders import build_ladders
from tasks.derive.debt.merged_ladders import ladders_as_of, merge_filings
from tests.tasks.derive.filings import BUCKETS, LADDER, day, fact, ladder

DAY = timedelta(days=1)
dates = st.dates(date(2005, 1, 1), date(2060, 12, 31))
YEARS = [f"year_{number}" for number in range(1, 6)]
ANNUAL = dict(zip([*BUCKETS][1:], (10, 20, 30, 40, 50, 60), strict=True))


@given(
    cents=st.integers(-(10**14), 10**14),
    start=dates,
    days=st.integers(0, 6 * 366) | st.none(),
)
def test_allocated_parts_sum_to_the_amount(cents, start, days):
    end = None if days is None else start + days * DAY
    parts = allocate_by_year(cents, Window(start, end))
    assert sum(parts.values()) == cents
    if end is None:
        assert parts == {9999: cents}
    else:
        assert [*parts] == [*range(start.year, end.year + 1)]
        for year, part in parts.items():
            first, last = max(start, date(year, 1, 1)), min(end, date(year, 12, 31))
            exact = cents * ((last - first).days + 1) / ((end - start).days + 1)
            assert part == pytest.approx(exact, abs=1.0, rel=1e-12)


@given(end=dates)
def test_an_annual_ladder_covers_every_day_once(end):
    facts = ladder(str(end), ANNUAL)
    (found,) = build_ladders(facts)
    windows = [found.windows[bucket] for bucket in [*BUCKETS][1:]]
    assert windows[0].start == end + DAY
    for before, after in pairwise(windows):
        assert after.start == before.end + DAY
        assert 365 <= (before.end - before.start).days + 1 <= 366
    assert windows[-1].end is None
    assert not found.is_partial
    cents = {bucket: round(100 * amount) for bucket, amount in ANNUAL.items()}
    assert due_within(cents, found.windows, end, add_months(end, 12)) == 1000
    assert due_within(cents, found.windows, end, add_months(end, 36)) == 6000


@given(day_=dates, months=st.integers(0, 120))
def test_add_months(day_, months):
    found = add_months(day_, months)
    assert (found.year - day_.year) * 12 + found.month - day_.month == months
    is_last = (day_ + DAY).day == 1
    assert (found + DAY).day == 1 if is_last else found.day <= day_.day


def quarterly(amounts, filed="2023-05-10", **given):
    return ladder("2023-03-31", amounts, filed=filed, form="10-Q", fp="Q1", **given)


def windows_of(facts):
    found = build_ladders(facts)[-1]
    shown = {b: (str(w.start), w.end and str(w.end)) for b, w in found.windows.items()}
    return found.layout, shown


def test_remainder_with_a_first_year_is_next_year_layout():
    """As Marvell's 10-Qs: the rest of the year, then fiscal years from the next one on."""
    layout, windows = windows_of(
        quarterly({"remainder": 1, "year_1": 2, "year_2": 3, "year_4": 4, "after_5": 5})
    )
    assert layout == "next_year"
    assert windows == {
        "remainder": ("2023-04-01", "2023-12-31"),
        "year_1": ("2024-01-01", "2024-12-31"),
        "year_2": ("2025-01-01", "2025-12-31"),
        "year_4": ("2027-01-01", "2027-12-31"),
        "after_5": ("2029-01-01", None),
    }


def test_remainder_without_a_first_year_is_current_year_layout():
    """As Apple's 10-Q of June 2013, whose fiscal year ends in September."""
    buckets = {"remainder": 0, "year_2": 0, "year_3": 0, "year_4": 2.5, "year_5": 0, "after_5": 14}
    facts = ladder("2013-06-29", buckets, filed="2013-07-24", form="10-Q", fp="Q3")
    layout, windows = windows_of(facts)
    assert layout == "current_year"
    assert windows["remainder"] == ("2013-06-30", "2013-09-29")
    assert windows["year_2"] == ("2013-09-30", "2014-09-29")
    assert windows["after_5"] == ("2017-09-30", None)


@pytest.mark.parametrize(
    ("amounts", "layout", "second"),
    [
        # the years of the last annual ladder; the first is the rest of its first year
        ({"year_1": 7, "year_2": 20, "year_3": 30, "year_4": 40}, "current_year", "2024-01-01"),
        # those of the year after
        ({"year_1": 20, "year_2": 30, "year_3": 40, "year_4": 50}, "next_year", "2025-01-01"),
    ],
)
def test_last_annual_ladder_decides_the_quarterly_layout(amounts, layout, second):
    facts = [*ladder("2022-12-31", ANNUAL, filed="2023-02-20"), *quarterly(amounts)]
    found, windows = windows_of(facts)
    assert (found, windows["year_2"][0]) == (layout, second)


def test_year_end_ladder_in_a_quarterly_report_is_annual():
    facts = ladder("2022-12-31", ANNUAL, filed="2023-02-20")
    again = ladder("2022-12-31", ANNUAL, filed="2023-05-10", form="10-Q", fp="Q1")
    assert [each.layout for each in build_ladders([*facts, *again])] == ["annual", "annual"]


def test_without_a_fiscal_year_there_are_no_dates():
    facts = quarterly({"remainder": 1, "year_1": 2})
    (found,) = build_ladders(facts)
    assert found.windows
    without_period = [
        fact(f.tag, "2023-03-31", f.value, filed="2023-05-10", form="10-Q", fp=None) for f in facts
    ]
    assert build_ladders(without_period)[0].windows == {}
    assert build_ladders(without_period, "0630")[0].windows["remainder"].end == day("2023-06-30")


def test_families_are_never_mixed():
    rolling = "LongTermDebtMaturitiesRepaymentsOfPrincipalInRollingYearTwo"
    facts = [*ladder("2022-12-31", ANNUAL), fact(rolling, "2022-12-31", 99)]
    (found,) = build_ladders(facts)
    assert (found.family, len(found.facts)) == ("fiscal", 6)


def test_principal_due_is_unknown_across_a_missing_bucket():
    facts = ladder("2022-12-31", {"year_1": 10, "year_3": 30})
    (found,) = build_ladders(facts)
    cents = {"year_1": 1000, "year_3": 3000}
    assert found.is_partial
    assert due_within(cents, found.windows, found.period_end, day("2023-12-31")) == 1000
    assert due_within(cents, found.windows, found.period_end, day("2025-12-31")) is None


def test_other_day_in_an_annual_report_is_not_its_year_end():
    """A note for January besides the ladder of December: the first year is still 2024."""
    stray = {"filed": "2024-02-20", "accession": "0000000001-24-000001"}
    facts = [
        *ladder("2023-12-31", ANNUAL, **stray),
        *ladder("2024-01-31", {"year_1": 5.0}, **stray),
    ]
    first = build_ladders(facts)[0]
    assert (first.period_end, first.layout) == (day("2023-12-31"), "annual")
    assert first.windows["year_1"] == Window(day("2024-01-01"), day("2024-12-31"))
    # with as many buckets in both, the stated fiscal year end decides
    one = [
        *ladder("2023-12-31", {"year_1": 10.0}, **stray),
        *ladder("2024-01-31", {"year_1": 5.0}, **stray),
    ]
    first = build_ladders(one, "1231")[0]
    assert first.windows["year_1"] == Window(day("2024-01-01"), day("2024-12-31"))


def test_both_year_ends_of_an_annual_report_are_annual():
    """Debt was repaid: the year before has more buckets than the year of the report."""
    report = {"filed": "2024-02-20", "accession": "0000000001-24-000001"}
    facts = [
        *ladder("2022-12-25", ANNUAL, **report),
        *ladder("2023-12-31", {"year_1": 10, "year_2": 5}, **report),
    ]
    assert [each.layout for each in build_ladders(facts)] == ["annual", "annual"]


def first_report(end="2023-12-31"):
    """A company's first report, a quarterly one after it went public."""
    return ladder(end, ANNUAL, filed="2024-05-10", form="10-Q", fp="Q1")


def test_first_report_may_state_the_ladder_of_the_last_year_end():
    (found,) = build_ladders(first_report(), "1231")
    assert found.layout == "annual"
    assert found.windows["year_1"] == Window(day("2024-01-01"), day("2024-12-31"))
    # a year of 52 weeks: the last Saturday of the year
    assert build_ladders(first_report("2023-12-30"), "1225")[0].layout == "annual"
    # the stated fiscal year ends on another day
    assert build_ladders(first_report(), "0630")[0].layout != "annual"


@pytest.mark.parametrize(
    ("stated", "layout"), [(None, "annual"), ("1231", "annual"), ("0630", "current_year")]
)
def test_year_end_missing_in_the_annual_report(stated, layout):
    """By the previous year end; if another one is stated now, by the amounts that repeat."""
    before = ladder("2022-12-31", ANNUAL, filed="2023-02-20")
    later = {"year_1": 20, "year_2": 30, "year_3": 40, "year_4": 50}
    facts = [*before, *ladder("2023-12-31", later, filed="2024-05-10", form="10-Q", fp="Q1")]
    found = build_ladders(facts, stated)[-1]
    assert found.layout == layout
    assert found.windows["year_1"] == Window(day("2024-01-01"), day("2024-12-31"))


WITH_LEASES = "LongTermDebtAndCapitalLeaseObligationsRepaymentsOfPrincipalInNextTwelveMonths"


def test_single_bucket_of_another_family_keeps_the_ladder():
    whole = ladder("2023-12-31", ANNUAL, filed="2024-02-20")
    line = fact(WITH_LEASES, "2023-12-31", 11.0, filed="2024-05-10", form="10-Q", fp="Q1")
    (found,) = ladders_as_of(build_ladders([*whole, line]), day("2024-06-30"))
    assert (found.ladder.family, sum(found.amounts.values())) == ("fiscal", 210_00)
    # with as many buckets, the newer filing counts
    first = whole[:1]
    (found,) = ladders_as_of(build_ladders([*first, line]), day("2024-06-30"))
    assert (found.ladder.family, sum(found.amounts.values())) == ("with_leases", 11_00)


def test_amendment_replaces_repeated_buckets_and_their_dates():
    first = ladder("2022-12-31", {"remainder": 20, "year_2": 80}, filed="2023-02-20")
    amended = {"filed": "2023-06-01", "form": "10-K/A"}
    # the next year was the remainder, and is the first year now
    again = ladder("2022-12-31", {"year_1": 21}, **amended)
    (found,) = ladders_as_of(build_ladders([*first, *again]), day("2023-06-30"))
    assert found.amounts == {"year_1": 21_00, "year_2": 80_00}
    assert due_within(found.amounts, found.windows, day("2022-12-31"), day("2023-12-31")) == 21_00
    # a remainder with a full first year has no dates, though it had dates before
    again = ladder("2022-12-31", {"remainder": 5, "year_1": 15}, **amended)
    (found,) = ladders_as_of(build_ladders([*first, *again]), day("2023-06-30"))
    assert found.amounts == {"remainder": 5_00, "year_1": 15_00, "year_2": 80_00}
    assert "remainder" not in found.windows
    # not yet known
    (found,) = ladders_as_of(build_ladders([*first, *again]), day("2023-06-01"))
    assert (found.amounts["remainder"], found.windows["remainder"].end) == (
        20_00,
        day("2023-12-31"),
    )


@pytest.mark.parametrize(
    ("first", "again", "merged"),
    [
        # year five and the years after it become all years after year four
        (
            {**dict.fromkeys(YEARS, 10), "after_5": 50},
            {**dict.fromkeys(YEARS[:4], 10), "after_4": 60},
            {**dict.fromkeys(YEARS[:4], 10), "after_4": 60},
        ),
        # and the other way round
        (
            {"year_4": 10, "after_4": 60},
            {"year_5": 10, "after_5": 50},
            {"year_4": 10, "year_5": 10, "after_5": 50},
        ),
        # the fifth year is then unknown
        ({"year_4": 10, "after_4": 60}, {"after_5": 55}, {"year_4": 10, "after_5": 55}),
    ],
)
def test_bucket_that_spans_two_replaces_both(first, again, merged):
    tags = BUCKETS | {"after_4": "AfterYearFour"}
    facts = [
        fact(LADDER + tags[bucket], "2022-12-31", amount, filed=filed, form=form)
        for amounts, filed, form in ((first, "2023-02-20", "10-K"), (again, "2023-06-01", "10-K/A"))
        for bucket, amount in amounts.items()
    ]
    (found,) = ladders_as_of(build_ladders(facts), day("2023-06-30"))
    assert found.amounts == {bucket: 100 * amount for bucket, amount in merged.items()}


def test_twelve_months_replace_the_remainder():
    """50 due by December, then 70 by next March; an overlap under a week is none."""
    rest, everything = Window(day("2023-04-01"), day("2023-12-31")), Window(day("2023-04-01"), None)
    twelve = Window(day("2023-04-01"), day("2024-03-31"))
    after = Window(day("2024-03-27"), None)
    first = {"remainder": (50, rest), "after_5": (9, after)}
    assert merge_filings([first, {"year_1": (70, twelve)}]) == {
        "year_1": (70, twelve),
        "after_5": (9, after),
    }
    assert merge_filings([first, {"after_5": (70, everything)}]) == {"after_5": (70, everything)}
    # a bucket without dates stays until it is repeated
    undated = {"year_2": (5, None)}
    assert merge_filings([undated, {"year_1": (70, twelve)}]) == undated | {"year_1": (70, twelve)}
