"""Trailing years of one company and one basis: mergers, successors, restatements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.debt.interest import years_below_one
from tasks.derive.xbrl.facts import PointInTimeFacts
from tasks.derive.xbrl.periods import trailing_twelve_months
from tests.tasks.derive.filings import day, fact

INCOME, EBIT = "NetIncomeLoss", "OperatingIncomeLoss"
ASSETS, EQUITY, LIABILITIES = "Assets", "StockholdersEquity", "Liabilities"
INTEREST = "InterestExpense"


def filed(day_filed: str, form: str, **amounts: dict[str, float]):
    """The facts of one filing: tag to period (first day..last day, or a day) to amount."""
    return [
        fact(
            tag, period[-10:], value, start=period[:10], filed=day_filed, form=form,
            accession=f"0000000001-{day_filed[2:4]}-{day_filed[5:7]}{day_filed[8:]}01",
        )
        for tag, periods in amounts.items()
        for period, value in periods.items()
    ]  # fmt: skip


def trailing(facts, end: str, by: str, concept: str = "net_income") -> float | None:
    known = PointInTimeFacts(facts)
    known.advance_to(day(by))
    found = trailing_twelve_months(known.series(concept), day(end))
    return None if found is None else found.value


Y20, Y21 = "2020-01-01..2020-12-31", "2021-01-01..2021-12-31"
Q1_21, Q1_22 = "2021-01-01..2021-03-31", "2022-01-01..2022-03-31"
H1_20, H1_21, H1_22 = (f"{year}-01-01..{year}-06-30" for year in (2020, 2021, 2022))


def year_then_restated_part(tag: str, *, balance: dict[str, tuple[float, float]], **more):
    """A 10-K, then a 10-Q whose comparative of the half-year is another than before.

    `balance` has the amounts of the end of the year in both filings; `more` other tags' half-year
    in both.
    """
    tags = {tag: (120, 40), **more}
    return [
        *filed("2021-08-10", "10-Q", **{name: {H1_21: old} for name, (old, _) in tags.items()}),
        *filed(
            "2022-03-01",
            "10-K",
            **{tag: {Y21: 100}},
            **{name: {"2021-12-31": old} for name, (old, _) in balance.items()},
        ),
        *filed(
            "2022-08-10",
            "10-Q",
            **{name: {H1_21: new, H1_22: 70} for name, (_, new) in tags.items()},
            **{name: {"2021-12-31": new} for name, (_, new) in balance.items()},
        ),
    ]


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        # an error that the year was filed without: 100 + 70 - 40
        ({ASSETS: (900.4, 900)}, 130),
        ({ASSETS: (900, 900), EQUITY: (50, 50)}, 130),
        # a new standard, applied to the year as well
        ({ASSETS: (900, 930), EQUITY: (50, 80)}, None),
        ({ASSETS: (900, 900), EQUITY: (50, -20)}, None),
        # another company
        ({ASSETS: (9, 900), EQUITY: (5, 50)}, None),
        # nothing says which
        ({}, None),
    ],
)
def test_year_filed_between_the_old_and_the_new_amount_of_a_part(balance, expected):
    facts = year_then_restated_part(INCOME, balance=balance)
    assert trailing(facts, "2022-06-30", "2022-09-30") == expected


@pytest.mark.parametrize(("income", "expected"), [((90, 30), 130), ((90, 90), None)])
def test_part_restated_without_net_income_is_a_division_or_line_that_moved(income, expected):
    same = {ASSETS: (900, 900), EQUITY: (50, 50)}
    facts = year_then_restated_part(EBIT, balance=same, **{INCOME: income})
    assert trailing(facts, "2022-06-30", "2022-09-30", "operating_income") == expected


def test_year_restated_with_another_period_in_its_own_filing():
    """The 10-K restates the year before, so that it has the basis of the 10-Qs after it."""
    facts = [
        *filed("2021-02-20", "10-K", **{INCOME: {Y20: 300}}),
        *filed("2021-05-10", "10-Q", **{INCOME: {Q1_21: 90}}),
        *filed("2022-02-20", "10-K", **{INCOME: {Y20: 150, Y21: 160}}),
        *filed("2022-05-10", "10-Q", **{INCOME: {Q1_21: 35, Q1_22: 50}}),
    ]
    assert trailing(facts, "2022-03-31", "2022-06-30") == 160 + 50 - 35


AMENDED = [
    *filed("2021-05-10", "10-Q", **{INCOME: {Q1_21: 90}}),
    *filed("2021-08-10", "10-Q", **{INCOME: {H1_21: 200, H1_20: 100}}),
    *filed("2021-02-20", "10-K", **{INCOME: {Y20: 300}}),
    *filed("2020-08-10", "10-Q", **{INCOME: {H1_20: 100}}),
]


# less than a thousand times the amounts before: that would be a filing of the wrong scale
RESTATED = st.integers(-80_000, 80_000)


@given(year=RESTATED, part=RESTATED)
def test_restated_year_with_restated_parts_counts(year, part):
    amendment = filed("2021-12-10", "10-K/A", **{INCOME: {Y20: year}})
    quarterly = filed("2021-12-10", "10-Q/A", **{INCOME: {H1_21: part, H1_20: part - 7}})
    found = trailing([*AMENDED, *amendment, *quarterly], "2021-06-30", "2021-12-31")
    assert found == year + part - (part - 7)


def test_year_restated_alone_is_not_added_to_parts_filed_before():
    assert trailing(AMENDED, "2021-06-30", "2021-09-30") == 300 + 200 - 100
    amendment = filed("2021-12-10", "10-K/A", **{INCOME: {Y20: -100}})
    assert trailing([*AMENDED, *amendment], "2021-06-30", "2021-12-31") is None


def shell_and_acquirer(assets: tuple[float, float], equity: tuple[float, float]):
    """A shell's year and quarters; the acquirer's third quarter replaces its balance sheet."""
    quarters = ("01-01..2021-03-31", "04-01..2021-06-30")
    return [
        *filed("2021-03-01", "10-K", **{INCOME: {Y20: -4}, INTEREST: {Y20: 9}, EBIT: {Y20: -4}}),
        *filed(
            "2021-08-10",
            "10-Q",
            **{INCOME: {"2021-" + quarters[0]: -1, "2021-" + quarters[1]: -1, H1_21: -2}},
            **{ASSETS: {"2020-12-31": assets[0]}, EQUITY: {"2020-12-31": equity[0]}},
        ),
        *filed("2020-11-10", "10-Q", **{INCOME: {"2020-10-01..2020-12-31": -1}}),
        *filed(
            "2021-11-10",
            "10-Q",
            **{INCOME: {"2021-07-01..2021-09-30": -50, "2021-01-01..2021-09-30": -130}},
            **{ASSETS: {"2020-12-31": assets[1]}, EQUITY: {"2020-12-31": equity[1]}},
        ),
    ]


@pytest.mark.parametrize(
    ("assets", "equity", "is_known"),
    [
        ((321, 188), (5, 90), False),
        # shares of a shell that move out of equity leave it the same company
        ((321, 321), (5, -20), True),
        # so does an asset that is set off against a liability
        ((321, 188), (50, 50), True),
    ],
)
def test_quarters_of_a_shell_are_not_its_acquirers(assets, equity, is_known):
    facts = [
        *shell_and_acquirer(assets, equity),
        *filed("2021-03-01", "10-K", **{INCOME: {"2020-10-01..2020-12-31": -1}}),
    ]
    found = trailing(facts, "2021-09-30", "2021-12-31")
    assert found == (-50 - 1 - 1 - 1 if is_known else None)


def test_years_of_a_shell_are_not_counted_as_its_acquirers():
    """Three years below one: two of the acquirer, and one of the shell before."""
    years = ["2019-01-01..2019-12-31", Y20, Y21]
    facts = [
        *filed("2020-03-01", "10-K", **{EBIT: {years[0]: -1}, INTEREST: {years[0]: 5}}),
        *shell_and_acquirer((321, 321), (5, 5)),
        *filed(
            "2022-03-01", "10-K",
            **{EBIT: dict.fromkeys(years[1:], -90), INTEREST: dict.fromkeys(years[1:], 8)},
        ),
    ]  # fmt: skip
    known = PointInTimeFacts(facts)
    known.advance_to(day("2022-06-30"))
    assert years_below_one(known, day("2021-12-31")).value == 3
    replaced = [*facts[:2], *shell_and_acquirer((321, 188), (5, 90)), *facts[-4:]]
    known = PointInTimeFacts(replaced)
    known.advance_to(day("2022-06-30"))
    assert years_below_one(known, day("2021-12-31")) is None


def test_predecessor_and_successor_are_never_added():
    """A company leaves bankruptcy on 2020-10-01: no year until four quarters of the successor."""
    before, after = "2020-01-01..2020-09-30", "2020-10-01..2020-12-31"
    facts = [
        *filed("2020-02-20", "10-K", **{INCOME: {"2019-01-01..2019-12-31": -50}}),
        *filed("2020-05-01", "10-Q", **{INCOME: {"2020-01-01..2020-03-31": -100}}),
        *filed("2020-08-01", "10-Q", **{INCOME: {"2020-04-01..2020-06-30": -200, H1_20: -300}}),
        *filed("2020-11-01", "10-Q", **{INCOME: {"2020-07-01..2020-09-30": 900, before: 600}}),
        *filed("2021-02-20", "10-K", **{INCOME: {after: 5, before: 600}}),
        *filed("2021-05-01", "10-Q", **{INCOME: {Q1_21: 7, "2020-01-01..2020-03-31": -100}}),
        *filed("2021-08-01", "10-Q", **{INCOME: {"2021-04-01..2021-06-30": 8, H1_21: 15}}),
        *filed("2021-11-01", "10-Q", **{INCOME: {"2021-07-01..2021-09-30": 9}}),
        *filed("2022-02-20", "10-K", **{INCOME: {Y21: 40}}),
    ]
    ends = ["2020-09-30", "2020-12-31", "2021-03-31", "2021-06-30", "2021-09-30", "2021-12-31"]
    found = [trailing(facts, end, "2022-12-31") for end in ends]
    assert found == [None, None, None, None, 5 + 7 + 8 + 9, 40]
