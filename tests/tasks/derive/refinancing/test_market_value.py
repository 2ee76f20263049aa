"""Share counts around splits, and in other units; closes are of the day."""

import pytest

from tasks.derive.refinancing.market_value import market_value
from tasks.derive.refinancing.share_count import read_shares
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import day, fact

COVER, BALANCE = "EntityCommonStockSharesOutstanding", "CommonStockSharesOutstanding"
SPLIT = {1: [(day("2022-07-18"), 20.0)]}


def value_on(on, *facts, splits=SPLIT):
    """USD at a close of 1: the shares that count."""
    known = PointInTimeFacts(facts)
    known.advance_to(day(on))
    shares = read_shares(known, day(on))
    return market_value({"instrument_id": 1, "close": 1.0}, shares, splits, day(on))


def count(tag, end, value, filed):
    return fact(tag, end, value, filed=filed, form="10-Q")


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        # Alphabet: 658.8 million shares in April, 13,078 million on 2022-06-30, filed after 20:1
        ([(BALANCE, "2022-03-31", 658.8e6, "2022-04-27")], 658.8e6 * 20),
        (
            [
                (BALANCE, "2022-03-31", 658.8e6, "2022-04-27"),
                (BALANCE, "2022-06-30", 13_078e6, "2022-07-27"),
            ],
            13_078e6,
        ),
        # filed after the split, and not restated all the same
        (
            [
                (BALANCE, "2022-03-31", 658.8e6, "2022-04-27"),
                (BALANCE, "2022-06-30", 653.9e6, "2022-07-27"),
            ],
            653.9e6 * 20,
        ),
        # nothing before it: balance sheets are restated, a cover page has the count of its day
        ([(BALANCE, "2022-06-30", 13_078e6, "2022-07-27")], 13_078e6),
        ([(COVER, "2022-07-15", 653.9e6, "2022-07-27")], 653.9e6 * 20),
        # filed before the split, and restated by a filing after it
        (
            [
                (BALANCE, "2022-06-30", 653.9e6, "2022-07-10"),
                (BALANCE, "2022-06-30", 13_078e6, "2022-08-10"),
            ],
            13_078e6,
        ),
    ],
)
def test_a_split_counts_once(counts, shares):
    facts = [count(*each) for each in counts]
    assert value_on("2022-09-30", *facts) == pytest.approx(shares)


def test_a_count_in_thousands_is_unknown():
    """Apple: 892 million shares in December 2013, 861,745 in the balance sheet of March 2014."""
    facts = [
        count(BALANCE, "2013-12-28", 892_447_000, "2014-01-28"),
        count(BALANCE, "2014-03-29", 861_745, "2014-04-24"),
    ]
    assert value_on("2014-03-31", *facts, splits={}) == 892_447_000
    assert value_on("2014-06-30", *facts, splits={}) is None
    later = count(BALANCE, "2014-06-28", 860_000_000, "2014-07-23")
    assert value_on("2014-09-30", *facts, later, splits={}) == 860_000_000


def test_a_company_of_few_shares_has_a_value():
    """Seaboard has about a million."""
    facts = [
        count(COVER, "2022-04-20", 1_160_779, "2022-04-27"),
        count(COVER, "2022-07-20", 1_160_779, "2022-07-27"),
    ]
    assert value_on("2022-09-30", *facts, splits={}) == 1_160_779


def test_a_count_in_thousands_of_a_large_company_is_unknown():
    facts = [
        count(COVER, "2022-04-20", 3.05e9, "2022-04-27"),
        count(COVER, "2022-07-20", 3_040_000, "2022-07-27"),
    ]
    assert value_on("2022-06-30", *facts, splits={}) == 3.05e9
    assert value_on("2022-09-30", *facts, splits={}) is None


def test_two_reverse_splits_in_a_row_count_once_each():
    """100 million become 10 million, which the balance sheet has, then 1 million."""
    facts = [
        count(BALANCE, "2024-03-31", 100e6, "2024-05-10"),
        count(BALANCE, "2024-06-30", 10e6, "2024-08-14"),
    ]
    splits = {1: [(day("2024-06-03"), 0.1), (day("2024-07-15"), 0.1)]}
    assert value_on("2024-06-30", *facts, splits=splits) == pytest.approx(10e6)
    assert value_on("2024-09-30", *facts, splits=splits) == pytest.approx(1e6)


def test_covers_stated_after_a_reverse_split_are_not_compared_with_each_other():
    """Both are of days before the split, and filed after it."""
    facts = [
        count(COVER, "2023-11-03", 100e6, "2023-11-10"),
        count(COVER, "2024-01-25", 5.0e6, "2024-02-20"),
        count(COVER, "2024-01-28", 5.1e6, "2024-03-10"),
    ]
    splits = {1: [(day("2024-02-01"), 0.05)]}
    assert value_on("2024-03-31", *facts, splits=splits) == pytest.approx(5.1e6)
