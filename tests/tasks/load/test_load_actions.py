"""Actions that a reply corrects, re-dates, takes back, or that nobody believes."""

import pytest
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables import corporate_action, daily_price
from tasks.load.load import load

CHANGES = """
select ticker.ticker, change.from_date::text
from audit.change as change join core.ticker as ticker using (instrument_id)
where change.table_name = 'corporate_action' order by change_id
"""
HELD = "select ticker, ex_date::text, kind, value from published.corporate_action order by 1, 2, 3"
PAST = "select ex_date::text, value, run_id, superseded_by from history.corporate_action order by 1"
RETURNS = """
select session_date::text, close_total_return from published.daily_price
where ticker = 'AAA' order by session_date
"""
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")
PAID = ("AAA", "2024-01-04", "dividend", 5.0)


@pytest.fixture
def week(bars):
    """Four sessions of a share at 50."""
    return bars(*(("AAA", day, 50.0) for day in DAYS))


@pytest.mark.parametrize(
    ("acts", "from_date"),
    [
        ([("AAA", "2024-06-10", "split", 10), ("AAA", "2024-03-01", "dividend", 1)], "1900-01-01"),
        ([("AAA", "2024-06-10", "dividend", 2), ("AAA", "2024-03-01", "dividend", 1)],
         "2024-03-01"),
    ],
)  # fmt: skip
def test_split_reaches_all_earlier_rows_and_a_dividend_later_ones(
    settings, actions, load_prices, query, acts, from_date
):
    load_prices(settings, None, actions(*acts))
    assert query(settings, CHANGES) == [("AAA", from_date)]


def test_action_that_the_reply_no_longer_lists_is_withdrawn(
    settings, week, actions, load_prices, query
):
    load_prices(settings, week, actions(PAID))
    assert query(settings, RETURNS)[0] == ("2024-01-02", 45.0)
    instant = query(settings, "select clock_timestamp()")[0]
    # one day later, and one day later again
    counts = load_prices(settings, week, actions(("AAA", "2024-01-05", "dividend", 5.0)))
    assert (counts["corporate_action"].new, counts["corporate_action"].removed) == (1, 1)
    assert query(settings, HELD) == [("AAA", "2024-01-05", "dividend", 5.0)]
    assert query(settings, PAST) == [("2024-01-04", 5.0, 1, 2)]
    assert query(settings, CHANGES) == [("AAA", "2024-01-04")] * 2
    assert query(settings, RETURNS)[2] == ("2024-01-04", 45.0)
    load_prices(settings, week)
    assert query(settings, RETURNS) == [(day, 50.0) for day in DAYS]
    then = "select close_total_return from as_of.daily_price(%s) order by session_date limit 1"
    assert query(settings, then, instant) == [(45.0,)]


def test_withdrawn_split_reaches_all_earlier_rows(settings, week, actions, load_prices, query):
    load_prices(settings, week, actions(("AAA", "2024-01-04", "split", 2.0)))
    load_prices(settings, week)
    assert query(settings, CHANGES) == [("AAA", "1900-01-01")] * 2
    factors = "select distinct split_factor from published.daily_price"
    assert query(settings, factors) == [(1.0,)]


@pytest.mark.parametrize(
    "first",
    [pytest.param(0, id="before the bars"), pytest.param(2, id="on the first bar")],
)
def test_action_that_the_reply_could_not_list_stays(
    settings, bars, week, actions, load_prices, query, first
):
    """A daily run asks for the last sessions only."""
    some = actions(PAID, ("BBB", "2024-01-04", "dividend", 1.0))
    load_prices(settings, week, some)
    load_prices(settings, bars(*(("AAA", day, 50.0) for day in DAYS[max(first, 3) :])))
    load_prices(settings, bars(*(("AAA", day, 50.0) for day in DAYS[first or 3 :])))
    assert [row[0] for row in query(settings, HELD)] == ["AAA", "BBB"]


def test_quarantined_action_is_still_listed(
    settings, week, actions, fetches, checked, new_run, load_prices, query
):
    load_prices(settings, week, actions(PAID))
    key = '{"ticker": "AAA", "ex_date": "2024-01-04", "kind": "dividend"}'
    row = ("corporate_action", key, "duplicate_action", "twice, and they differ", "{}")
    tables = (
        checked(daily_price.CONTRACT, week),
        checked(corporate_action.CONTRACT, actions(), (row,)),
    )
    load.fn(fetches(), tables, new_run(settings).writer)
    assert query(settings, HELD) == [PAID]


def test_distribution_without_a_value_leaves_total_returns_unknown_before_it(
    settings, week, actions, load_prices, query
):
    load_prices(settings, week, actions(("AAA", "2024-01-04", "dividend", None)))
    unknown = [("2024-01-02", None), ("2024-01-03", None)]
    assert query(settings, RETURNS) == unknown + [(day, 50.0) for day in DAYS[2:]]
    closes = "select distinct split_factor, close_split_adjusted from published.daily_price"
    assert query(settings, closes) == [(1.0, 50.0)]
    # an earlier dividend that is known does not make it known
    load_prices(settings, week, actions(("AAA", "2024-01-03", "dividend", 1.0), (*PAID[:3], None)))
    assert query(settings, RETURNS)[:2] == unknown
    load_prices(settings, week, actions(PAID))
    assert query(settings, RETURNS)[:2] == [("2024-01-02", 45.0), ("2024-01-03", 45.0)]
    assert query(settings, CHANGES)[-1] == ("AAA", "2024-01-03")


def test_gain_of_unknown_size_beside_a_dividend_is_unknown_together(
    settings, week, actions, load_prices, query
):
    load_prices(settings, week, actions(PAID, ("AAA", "2024-01-04", "capital_gain", None)))
    assert query(settings, RETURNS)[0] == ("2024-01-02", None)
    load_prices(settings, week, actions(PAID, ("AAA", "2024-01-04", "capital_gain", 5.0)))
    assert query(settings, RETURNS)[0] == ("2024-01-02", 40.0)


def test_split_is_never_of_unknown_ratio(settings, week, actions, load_prices):
    with pytest.raises(adbc.Error, match="check"):
        load_prices(settings, week, actions(("AAA", "2024-01-04", "split", None)))
