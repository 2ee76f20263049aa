"""One batch, one transaction: rows, fetch log, quarantine, rule results and factors."""

import json

import pandas as pd
import psycopg
import pytest
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables import corporate_action, daily_price
from tasks.load.load import load
from tasks.validate.report import RESULT_COLUMNS
from tasks.validate.validate import Refused
from warehouse.connect.dsn import warehouse_dsn

PRICES, ACTIONS = daily_price.CONTRACT, corporate_action.CONTRACT
COUNTS = """
select (select count(*) from core.daily_price), (select count(*) from audit.fetch),
    (select count(*) from audit.quarantine), (select count(*) from audit.validation),
    (select count(*) from audit.load)
"""
QUARANTINED = ("daily_price", '{"ticker": "AAA"}', "price_missing", "no close", '{"close": null}')
BROKEN = ("daily_price", "price_missing", "quarantine", "ExpectX", False, 3, 1, "no close", "AAA")
ADJUSTED = """
select session_date::text, split_factor, close_split_adjusted, close_total_return
from published.daily_price where ticker = 'AAA' order by session_date
"""


def test_batch_stores_rows_fetch_log_quarantine_and_rule_results(
    settings, bars, actions, fetches, checked, new_run, query
):
    run = new_run(settings)
    prices = checked(PRICES, bars(("AAA", "2024-01-02", 10.0)), (QUARANTINED,), (BROKEN,))
    log = fetches(("AAA", "loaded"), ("GONE", "delisted"))
    totals = load.fn(log, (prices, checked(ACTIONS, actions())), run.writer)
    assert query(settings, COUNTS) == [(1, 2, 1, 1, 2)]
    assert query(
        settings, "select item, status, reason, run_id from audit.fetch order by item"
    ) == [
        ("AAA", "loaded", None, run.run_id),
        ("GONE", "delisted", "delisted", run.run_id),
    ]
    assert query(
        settings, "select table_name, key, rule, reason, row, first_run_id from audit.quarantine"
    ) == [
        ("daily_price", {"ticker": "AAA"}, "price_missing", "no close", {"close": None}, run.run_id)
    ]
    assert query(
        settings,
        "select table_name, rule, action, expectation, success, evaluated, unexpected, reason,"
        " detail from audit.validation",
    ) == [BROKEN]
    nothing = {"new": 0, "changed": 0, "same": 0, "removed": 0, "quarantined": 0}
    assert totals.counts == {
        "daily_price": nothing | {"new": 1, "quarantined": 1}, "corporate_action": nothing,
    }  # fmt: skip
    assert (totals.unsuccessful, totals.answered_count) == ({"delisted": ["GONE"]}, 2)
    assert totals.describe_broken_rules() == [
        "daily_price: 1 row breaks price_missing (quarantine), for example AAA"
    ]
    # the caller adds them
    assert (run.counts, run.unsuccessful) == ({}, {})


def test_row_that_the_database_rejects_rolls_back_the_whole_batch(
    settings, bars, actions, fetches, checked, new_run, query
):
    prices = checked(PRICES, bars(("AAA", "2024-01-02", 10.0)), (QUARANTINED,), (BROKEN,))
    wrong = checked(ACTIONS, actions(("AAA", "2024-01-02", "dividend", -1.0)))
    with pytest.raises(adbc.Error, match="check"):
        load.fn(fetches(("AAA", "loaded")), (prices, wrong), new_run(settings).writer)
    assert query(settings, COUNTS) == [(0, 0, 0, 0, 0)]


def test_refused_batch_stores_fetch_log_and_rule_results_and_no_row(
    settings, fetches, new_run, query
):
    message = "core.daily_price: validation failed"
    refused = Refused(message, pd.DataFrame([BROKEN], columns=[*RESULT_COLUMNS]))
    log = fetches(("AAA", "loaded"), ("GONE", "delisted"))
    totals = load.fn(log, refused, new_run(settings).writer)
    assert query(settings, COUNTS) == [(0, 2, 0, 1, 0)]
    assert (totals.counts, totals.validation_failures) == ({}, [message])
    assert totals.unsuccessful == {"refused": ["AAA"], "delisted": ["GONE"]}
    # the run's end logs the rule that refused the batch
    assert len(totals.describe_broken_rules()) == 1
    # received rows were not loaded; a delisting stays one
    ledger = "select item, status, reason, detail from audit.fetch order by item"
    assert query(settings, ledger) == [
        ("AAA", "refused", "validation_failed", message),
        ("GONE", "delisted", "delisted", "a sentence"),
    ]


def test_row_quarantined_again_is_updated_not_doubled(
    settings, bars, actions, fetches, checked, new_run, query
):
    first, second = new_run(settings), new_run(settings)
    other = (*QUARANTINED[:4], '{"close": 0}')
    for run, rows in ((first, (QUARANTINED, QUARANTINED)), (second, (QUARANTINED, other))):
        tables = (checked(PRICES, bars(), rows), checked(ACTIONS, actions()))
        load.fn(fetches(), tables, run.writer)
    assert query(
        settings,
        "select row, first_run_id, last_run_id, last_seen_at > quarantined_at from audit.quarantine"
        " order by quarantine_id",
    ) == [
        ({"close": None}, first.run_id, second.run_id, True),
        ({"close": 0}, second.run_id, second.run_id, False),
    ]


def test_a_new_quarantined_row_has_equal_first_and_last_times(
    settings, bars, actions, fetches, checked, new_run, query
):
    rows = tuple((*QUARANTINED[:4], f'{{"close": -{number}}}') for number in range(2000))
    tables = (checked(PRICES, bars(), rows), checked(ACTIONS, actions()))
    load.fn(fetches(), tables, new_run(settings).writer)
    seen = "select count(*), bool_and(last_seen_at = quarantined_at) from audit.quarantine"
    assert query(settings, seen) == [(len(rows), True)]


def test_a_stored_bar_stays_when_the_vendor_spoils_it_later(
    settings, bars, actions, fetches, checked, new_run, query
):
    good = checked(PRICES, bars(("AAA", "2024-01-02", 10.0)))
    spoilt = checked(PRICES, bars(), (QUARANTINED,))
    for table in (good, spoilt):
        load.fn(fetches(), (table, checked(ACTIONS, actions())), new_run(settings).writer)
    assert query(settings, "select ticker, close from published.daily_price") == [("AAA", 10.0)]
    assert query(settings, "select count(*) from history.daily_price") == [(0,)]


@pytest.mark.parametrize(
    ("acts", "adjusted"),
    [
        pytest.param([], [(1, 100, 100), (1, 50, 50), (1, 25, 25)], id="none"),
        pytest.param(
            [("01-04", "split", 2)], [(0.5, 50, 50), (0.5, 25, 25), (1, 25, 25)], id="split"
        ),
        pytest.param(
            [("01-04", "split", 0.1)],
            [(10, 1000, 1000), (10, 500, 500), (1, 25, 25)],
            id="reverse split",
        ),
        # 1 - 2/50
        pytest.param(
            [("01-04", "dividend", 2)], [(1, 100, 96), (1, 50, 48), (1, 25, 25)], id="dividend"
        ),
        # the dollar is paid on shares of 25: 1 - 1/25
        pytest.param(
            [("01-04", "split", 2), ("01-04", "dividend", 1)],
            [(0.5, 50, 48), (0.5, 25, 24), (1, 25, 25)],
            id="split and dividend on one day",
        ),
        # 1 - (2 + 3)/50, not (1 - 2/50)(1 - 3/50)
        pytest.param(
            [("01-04", "capital_gain", 3), ("01-04", "dividend", 2)],
            [(1, 100, 90), (1, 50, 45), (1, 25, 25)],
            id="gain and dividend on one day",
        ),
        # 1 - 10/100 and 1 - 5/50
        pytest.param(
            [("01-03", "dividend", 10), ("01-04", "dividend", 5)],
            [(1, 100, 81), (1, 50, 45), (1, 25, 25)],
            id="two dividends",
        ),
        pytest.param(
            [("01-02", "dividend", 5)],
            [(1, 100, 100), (1, 50, 50), (1, 25, 25)],
            id="dividend without an earlier close",
        ),
        # Saturday: 1 - 5/25, for all that came before
        pytest.param(
            [("01-06", "dividend", 5)],
            [(1, 100, 80), (1, 50, 40), (1, 25, 20)],
            id="ex-date without a session",
        ),
        # more cash than the share was worth: not what was paid
        pytest.param(
            [("01-04", "split", 2), ("01-04", "dividend", 30)],
            [(0.5, 50, None), (0.5, 25, None), (1, 25, 25)],
            id="dividend above the close before",
        ),
    ],
)
def test_factors_as_worked_by_hand(settings, bars, actions, load_prices, query, acts, adjusted):
    days = ("2024-01-02", "2024-01-03", "2024-01-04")
    closes = zip(days, (100.0, 50.0, 25.0), strict=True)
    some = actions(*(("AAA", f"2024-{day}", kind, value) for day, kind, value in acts))
    load_prices(settings, bars(*(("AAA", *close) for close in closes)), some)
    # eighty of a hundred is 80.00000000000001 in one order of multiplying
    for found, day, expected in zip(query(settings, ADJUSTED), days, adjusted, strict=True):
        assert found[0] == day
        assert [value is None for value in found[1:]] == [value is None for value in expected]
        for value, wanted in zip(found[1:], expected, strict=True):
            assert value is None or value == pytest.approx(wanted, rel=1e-15)


def test_split_that_arrives_later_rewrites_factors_and_no_bar(
    settings, bars, actions, load_prices, query
):
    some = bars(("AAA", "2024-06-07", 1200.0), ("AAA", "2024-06-10", 120.0))
    load_prices(settings, some)
    before = query(settings, "select xmin::text from core.daily_price order by session_date")
    instant = query(settings, "select clock_timestamp()")[0]
    load_prices(settings, some, actions(("AAA", "2024-06-10", "split", 10.0)))
    assert query(settings, ADJUSTED) == [
        ("2024-06-07", 0.1, 120.0, 120.0),
        ("2024-06-10", 1.0, 120.0, 120.0),
    ]
    after = query(settings, "select xmin::text from core.daily_price order by session_date")
    assert after == before
    assert query(
        settings,
        "select close_split_adjusted from as_of.daily_price(%s) order by session_date",
        instant,
    ) == [(1200.0,), (120.0,)]


def test_factor_follows_the_close_before_the_ex_date(settings, bars, actions, load_prices, query):
    factors = "select dividend_multiplier, total_return_factor from derived.adjustment_factor"
    load_prices(settings, None, actions(("AAA", "2024-01-04", "dividend", 5.0)))
    assert query(settings, factors) == [(1.0, 1.0)]
    load_prices(settings, bars(("AAA", "2024-01-02", 50.0)))
    assert query(settings, factors) == [(0.9, 0.9)]
    load_prices(settings, bars(("AAA", "2024-01-03", 25.0)))
    assert query(settings, factors) == [(0.8, 0.8)]
    load_prices(settings, bars(("AAA", "2024-01-03", 20.0)))
    assert query(settings, factors) == [(0.75, 0.75)]
    load_prices(settings, bars(("AAA", "2024-01-04", 19.0), ("BBB", "2024-01-03", 1.0)))
    assert query(settings, factors) == [(0.75, 0.75)]


def test_factor_of_a_corrected_action_replaces_the_old_one(
    settings, bars, actions, load_prices, query
):
    some = bars(("AAA", "2024-01-02", 50.0), ("BBB", "2024-01-02", 50.0))
    paid = actions(("AAA", "2024-01-04", "dividend", 5.0), ("BBB", "2024-01-04", "dividend", 5.0))
    load_prices(settings, some, paid)
    rows = "select xmin::text, total_return_factor from derived.adjustment_factor order by 2 desc"
    before = query(settings, rows)
    load_prices(settings, some, paid)
    assert query(settings, rows) == before
    load_prices(settings, some, actions(("AAA", "2024-01-04", "dividend", 10.0)))
    after = query(settings, rows)
    assert [factor for _, factor in after] == [0.9, 0.8]
    assert after[0] in before


def test_listeners_are_notified_of_committed_changes_only(
    settings, bars, actions, load_prices, fetches, checked, new_run
):
    """Without Prefect, too; a load that changes nothing or fails sends no notification."""
    day = bars(("AAA", "2024-01-02", 10.0), ("BBB", "2024-01-02", 10.0))
    with psycopg.connect(warehouse_dsn(settings, "reader"), autocommit=True) as listener:
        listener.execute("listen rotation_published")
        wrong = checked(ACTIONS, actions(("AAA", "2024-01-02", "dividend", -1.0)))
        tables = (checked(PRICES, day), wrong)
        with pytest.raises(adbc.Error, match="check"):
            load.fn(fetches(("AAA", "loaded")), tables, new_run(settings).writer)
        load_prices(settings, day)
        load_prices(settings, day)
        load_prices(settings, bars(("AAA", "2024-01-02", 11.0)))
        heard = [json.loads(n.payload) for n in listener.notifies(timeout=120, stop_after=2)]
        more = list(listener.notifies(timeout=0.2))
    numbers = [tuple(each[name] for name in ("table", "new", "changed", "same")) for each in heard]
    assert numbers == [("daily_price", 2, 0, 0), ("daily_price", 0, 1, 0)]
    assert heard[0]["run_id"] < heard[1]["run_id"]
    assert more == []
