"""Layouts of quarterly ladders: which calendar period each bucket covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.debt.ladder_agreement import compare_ladders
from tasks.derive.debt.ladder_windows import DAY, Window, add_months
from tasks.derive.debt.ladders import build_ladders
from tests.tasks.derive.filings import BUCKETS, LADDER, day, fact, ladder

NAMES = ("remainder", "year_1", "year_2", "year_3", "year_4", "year_5", "after_5")
ROLLING = {
    "year_1": "InNextRollingTwelveMonths",
    "year_2": "InRollingYearTwo",
    "year_3": "InRollingYearThree",
    "year_4": "InRollingYearFour",
    "year_5": "InRollingYearFive",
    "after_5": "InRollingAfterYearFive",
}
TAGS = {"fiscal": BUCKETS | {"after_4": "AfterYearFour"}, "rolling": ROLLING}
LUMPS = (None, 10, 500, 30, 400, 50, 900)


def filed(end, amounts, *, family="fiscal", form="10-K", portion=None, on=None):
    """The facts of a ladder, amounts in the order of NAMES, with the current portion."""
    named = dict(zip(NAMES, amounts, strict=False)) if isinstance(amounts, tuple) else amounts
    given = {"form": form, "filed": on, "fp": "FY" if form == "10-K" else "Q1"}
    facts = [
        fact(LADDER + TAGS[family][bucket], end, float(amount), **given)
        for bucket, amount in named.items()
        if amount is not None
    ]
    if portion is not None:
        facts.append(fact("LongTermDebtCurrent", end, float(portion), **given))
    return facts


@pytest.mark.parametrize(
    ("amounts", "portion", "layout"),
    [
        # one refinanced bucket is far off, the others and the open end repeat
        ({"remainder": 8, "year_2": 60, "year_3": 30, "year_4": 400, "after_5": 900}, None, "C"),
        # the open end alone repeats: what is due in the sixth year is within it
        ({"remainder": 8, "year_2": 90, "year_3": 91, "year_5": 92, "after_5": 900}, None, "C"),
        # year five and what follows it as one bucket
        ({"remainder": 8, "year_2": 60, "year_3": 30, "year_4": 77, "after_4": 950}, None, "C"),
        # years that repeat a year later
        ({"year_1": 500, "year_2": 30, "year_3": 400, "year_4": 50}, None, "N"),
        # a year that is left out as nothing is due then
        ({"remainder": 8, "year_2": 30, "year_3": 400, "year_4": 50}, None, "N"),
        ({"remainder": 8, "year_1": 500, "year_2": 30}, None, "N"),
        # only the last years are filed
        ({"year_4": 400, "year_5": 50}, None, "C"),
        ({"year_3": 400, "year_4": 50}, None, "N"),
        # a line on its own is the next twelve months
        ({"year_1": 500}, None, "R"),
        # from the next day on: what repeats is of fiscal years
        ((None, 8, 500, 30, 400, 50, 900), None, "C"),
        # nothing repeats, and the first year is what is due within twelve months
        ((None, 9, 120, 140, 160, 180, 700), 9, "R"),
        # or is less than that: the rest of a year
        ((None, 9, 120, 140, 160, 180, 700), 40, "C"),
        # a rolling ladder takes in the lump of the next year
        ((None, 400, 120, 140, 160, 180, 700), None, "R"),
    ],
)
@pytest.mark.parametrize("on", ["2019-05-10", "2023-05-10"])
def test_layout_by_what_repeats(amounts, portion, layout, on):
    year = int(on[:4])
    annual = filed(f"{year - 1}-12-31", LUMPS, on=f"{year}-02-20")
    facts = [*annual, *filed(f"{year}-03-31", amounts, form="10-Q", portion=portion, on=on)]
    found = build_ladders(facts)[-1]
    assert found.layout == {"C": "current_year", "N": "next_year", "R": "rolling"}[layout]


def test_instalments_in_a_rolling_window():
    """40 a year: the first year stays 40, as the current portion, while the last amount falls."""
    annual = filed("2022-12-31", (None, 40, 40, 40, 40, 40, 200))
    later = filed("2023-03-31", (None, 40, 40, 40, 40, 40, 190), form="10-Q", portion=40)
    assert build_ladders([*annual, *later])[-1].layout == "rolling"
    # the rest of a fiscal year is 30, though 40 are due within twelve months
    rest = filed("2023-03-31", (None, 30, 40, 40, 40, 40, 200), form="10-Q", portion=40)
    assert build_ladders([*annual, *rest])[-1].layout == "current_year"


@pytest.mark.parametrize(
    ("amounts", "portion", "layout"),
    [
        # the years repeat and the first is less by what fell due
        ((None, 7, 500, 30, 400, 50), None, "current_year"),
        # it is the next twelve months, though years repeat
        ((None, 7, 500, 30, 400, 50), 7, "rolling"),
        # nothing fell due
        (LUMPS, None, "rolling"),
        # all years are less as a part was repaid, the first is below the current portion
        ((None, 5, 300, 18, 240, 30), 80, "current_year"),
        ((None, 80, 300, 18, 240, 30), 80, "rolling"),
        # without the first year, by amounts that repeat exactly
        ((None, None, 500, 30, 400, 50), None, "current_year"),
        ((None, None, 490, 31, 420, 50), None, "rolling"),
    ],
)
def test_rolling_tags(amounts, portion, layout):
    annual = filed("2022-12-31", LUMPS, family="rolling")
    later = filed("2023-03-31", amounts, family="rolling", form="10-Q", portion=portion)
    assert build_ladders([*annual, *later])[-1].layout == layout


def test_rest_of_the_year_beside_rolling_tags_shows_fiscal_years():
    annual = filed("2022-12-31", LUMPS, family="rolling")
    years = filed("2023-03-31", (None, 500, 30, 400, 50), family="rolling", form="10-Q")
    rest = filed("2023-03-31", {"remainder": 8}, form="10-Q")
    found = build_ladders([*annual, *years, *rest])[-1]
    assert (found.family, found.layout) == ("rolling", "next_year")
    assert found.windows["year_1"] == Window(day("2024-01-01"), day("2024-12-31"))


def test_last_quarterly_ladder_is_compared_with_too():
    """All was refinanced in the first quarter; in the second the new years repeat."""
    first = {"remainder": 6, "year_2": 100, "year_3": 200, "year_4": 300, "year_5": 600}
    again = {bucket: amount for bucket, amount in first.items() if bucket != "remainder"}
    facts = [*filed("2022-12-31", LUMPS), *filed("2023-03-31", first, form="10-Q")]
    facts += filed("2023-06-30", again, form="10-Q")
    assert build_ladders(facts)[-1].layout == "current_year"
    # without the first quarter, the definition of the tags counts
    facts = [*filed("2022-12-31", LUMPS), *filed("2023-06-30", again, form="10-Q")]
    assert build_ladders(facts)[-1].layout == "next_year"


def test_annual_ladder_that_skips_a_year():
    """The first year is left out as almost nothing is due: all tags are a year late."""
    before = filed("2021-12-31", (None, 1, 0.2, 125, 225, 32, 900))
    later = filed("2022-12-31", {"year_1": 105, "year_2": 225, "year_3": 32, "year_4": 77})
    found = build_ladders([*before, *later])[-1]
    assert found.layout == "next_year"
    assert found.windows["year_2"] == Window(day("2025-01-01"), day("2025-12-31"))
    # equal years repeat under either reading: the tags mean what they say
    even = (None, 9, 9, 9, 9, 9, 50)
    facts = [*filed("2021-12-31", even), *filed("2022-12-31", even)]
    assert build_ladders(facts)[-1].layout == "annual"


def test_fiscal_years_of_52_weeks_are_compared_by_week():
    annual = filed("2022-12-31", LUMPS)
    later = {"remainder": 6, "year_2": 500, "year_3": 30, "year_4": 400, "year_5": 50}
    facts = [*annual, *filed("2023-12-30", LUMPS, on="2024-02-20")]
    facts += filed("2024-03-30", later | {"after_5": 900}, form="10-Q")
    found = build_ladders(facts)[-1]
    assert found.layout == "current_year"
    assert found.windows["year_2"].start == day("2024-12-31")


amounts = st.integers(0, 50).map(lambda cents: cents * 25.0)
buckets = st.dictionaries(st.sampled_from(NAMES), amounts, min_size=1)
reports = st.tuples(
    buckets, buckets, buckets, st.sampled_from(["fiscal", "rolling"]), st.none() | amounts
)


def facts_of(report):
    annual, first, second, family, portion = report
    named = [{b: a for b, a in part.items() if b in TAGS[family]} for part in (first, second)]
    return [
        *filed("2022-12-31", {b: a for b, a in annual.items() if b != "remainder"}),
        *filed("2023-03-31", named[0], family=family, form="10-Q", portion=portion),
        *filed("2023-06-30", named[1], family=family, form="10-Q", on="2023-08-10"),
    ]


@given(report=reports, order=st.randoms())
def test_order_and_later_filings_do_not_matter(report, order):
    facts = facts_of(report)
    shuffled = [*facts]
    order.shuffle(shuffled)
    found = build_ladders(facts)
    shown = [(each.period_end, each.layout, dict(each.windows)) for each in found]
    again = build_ladders(shuffled)
    assert [(each.period_end, each.layout, dict(each.windows)) for each in again] == shown
    earlier = [each for each in facts if each.filed < day("2023-08-01")]
    until = [each for each in found if each.period_end < day("2023-06-30")]
    assert build_ladders(earlier) == until


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=6), st.integers(0, 3))
def test_a_ladder_agrees_with_itself_in_every_digit(values, quarters):
    end = add_months(day("2022-12-31"), 3 * quarters)
    dated = {
        f"year_{at}": (
            float(value),
            Window(add_months(end, 12 * at - 12) + DAY, add_months(end, 12 * at)),
        )
        for at, value in enumerate(values, start=1)
    }
    found = compare_ladders(dated, dated)
    assert (found.digits, found.matches, found.exact) == (3.0, len(values), len(values))
    assert compare_ladders(dated, {}).matches == 0


def test_open_end_is_compared_with_the_years_that_it_spans():
    annual = build_ladders(ladder("2022-12-31", {"year_4": 40, "year_5": 50, "after_5": 60}))[0]
    dated = {b: (annual.facts[b].value, w) for b, w in annual.windows.items()}
    assert compare_ladders({"after_4": (110.0, Window(day("2027-01-01"), None))}, dated).exact == 1
    assert (
        compare_ladders(
            {"year_4": (40.0, Window(day("2026-01-01"), day("2026-12-31")))}, dated
        ).exact
        == 1
    )
    # half a year has no counterpart
    assert (
        compare_ladders(
            {"year_4": (40.0, Window(day("2026-07-01"), day("2027-06-30")))}, dated
        ).matches
        == 0
    )
