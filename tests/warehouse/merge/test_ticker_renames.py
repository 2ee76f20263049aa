"""Renamed symbols, in the loads that reveal them."""

import numpy as np
import pandas as pd
import pytest

from expectations.tables import daily_price, index_membership
from tests.warehouse.companies import ALL, MAP, PERIODS, content, day
from warehouse.connect.connections import connect
from warehouse.merge.counts import MergeCounts

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT


def test_rename_across_runs(settings, history, merged, query):
    merged(settings, PRICES, pd.concat([history("OLD", 1, 0, 100), history("AAA", 2, 0, 101)]))
    assert merged(settings, PRICES, history("NEW", 1, 0, 103)) == MergeCounts(new=3, same=100)
    assert query(settings, MAP) == [
        ("AAA", *ALL, 1),
        ("NEW", day(100), "infinity", 2),
        ("OLD", "-infinity", day(100), 2),
    ]
    assert query(settings, PERIODS) == [
        ("AAA", 101, day(0), day(100)),
        ("NEW", 3, day(100), day(102)),
        ("OLD", 100, day(0), day(99)),
    ]
    assert query(settings, "select count(*) from core.instrument") == [(2,)]
    kept = "select ticker, valid_from::text, valid_to::text from history.ticker"
    assert query(settings, kept) == [("OLD", *ALL)]
    with connect(settings, "reader") as connection:
        before = connection.execute(
            "select ticker, coalesce(valid_to::text, ''), renamed_to from as_of.ticker("
            "(select loaded_at - interval '1 us' from published.ticker where ticker = 'NEW'))"
            " order by 1"
        ).fetchall()
        now = "select ticker, renamed_from, renamed_to from {} order by 1"
        published = connection.execute(now.format("published.ticker")).fetchall()
        assert connection.execute(now.format("as_of.ticker(now())")).fetchall() == published
    assert before == [("AAA", "", None), ("OLD", "", None)]
    assert published == [("AAA", None, None), ("NEW", "OLD", None), ("OLD", None, "NEW")]


def test_rename_in_one_batch(settings, history, merged, query):
    frame = pd.concat([history("OLD", 1, 0, 100), history("NEW", 1, 0, 103)])
    assert merged(settings, PRICES, frame) == MergeCounts(new=103)
    assert query(settings, PERIODS) == [
        ("NEW", 3, day(100), day(102)),
        ("OLD", 100, day(0), day(99)),
    ]
    before = content(settings)
    assert merged(settings, PRICES, frame) == MergeCounts(same=103)
    assert content(settings) == before


def test_two_renames_in_a_row(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    merged(settings, PRICES, history("NEW", 1, 0, 120))
    merged(settings, PRICES, history("NEWER", 1, 0, 140))
    assert query(settings, PERIODS) == [
        ("NEW", 20, day(100), day(119)),
        ("NEWER", 20, day(120), day(139)),
        ("OLD", 100, day(0), day(99)),
    ]


def test_corrected_bars_do_not_hide_a_rename(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    frame = history("NEW", 1, 0, 103)
    frame.loc[[3, 40, 99], ["close", "high"]] *= 1.01
    assert merged(settings, PRICES, frame) == MergeCounts(new=3, changed=3, same=97)
    frame = history("OTHER", 1, 0, 104)
    frame.loc[50:60, "volume"] += 1
    merged(settings, PRICES, frame)
    assert query(settings, "select count(*) from core.instrument") == [(2,)]


def test_late_rows_under_the_old_symbol_find_their_instrument(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 10, 100))
    merged(settings, PRICES, history("NEW", 1, 10, 103))
    before = content(settings)
    assert merged(settings, PRICES, history("OLD", 1, 80, 100)) == MergeCounts(same=20)
    assert merged(settings, PRICES, history("OLD", 1, 90, 103)) == MergeCounts(same=13)
    assert content(settings) == before
    assert merged(settings, PRICES, history("NEW", 1, 0, 103)) == MergeCounts(new=10, same=93)
    assert query(settings, PERIODS) == [
        ("NEW", 3, day(100), day(102)),
        ("OLD", 100, day(0), day(99)),
    ]


def test_a_short_history_is_no_proof(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 19))
    merged(settings, PRICES, history("NEW", 1, 0, 25))
    assert query(settings, "select count(*) from core.instrument") == [(2,)]


@pytest.mark.parametrize("volume", [0, None])
def test_what_never_trades_is_never_renamed(settings, history, merged, query, volume):
    for ticker, after in (("^OLD", 100), ("^NEW", 101)):
        frame = history(ticker, 1, 0, after)
        frame["volume"] = pd.array([volume] * after, dtype="Int64")
        merged(settings, PRICES, frame)
    assert query(settings, "select count(*) from core.instrument") == [(2,)]


def test_funds_with_equal_prices_are_not_one(settings, history, merged, query):
    merged(settings, PRICES, history("IVV", 1, 0, 100))
    other = history("SPLG", 1, 0, 101)
    other["volume"] += np.arange(101) + 1
    merged(settings, PRICES, other)
    assert query(settings, MAP) == [("IVV", *ALL, 1), ("SPLG", *ALL, 2)]


def test_an_alias_is_no_rename(settings, history, merged, query):
    merged(settings, PRICES, history("AAA", 1, 0, 100))
    merged(settings, PRICES, pd.concat([history("AAA", 1, 90, 101), history("BBB", 1, 0, 101)]))
    assert query(settings, MAP) == [("AAA", *ALL, 1), ("BBB", *ALL, 2)]


def test_rename_seen_before_its_first_close(settings, history, reply, query):
    reply(history("OLD", 1, 0, 100), day(0))
    aside = pd.DataFrame(
        [
            {
                "table_name": "daily_price",
                "key": f'{{"ticker": "NEW", "session_date": "{day(100)}"}}',
                "rule": "unfinished_session",
                "reason": "",
                "row": "{}",
            }
        ]
    )
    assert reply(history("NEW", 1, 0, 100), day(0), aside) == MergeCounts(same=100)
    assert reply(history("NEW", 1, 90, 101), day(90)) == MergeCounts(new=1, same=10)
    assert query(settings, PERIODS)[0] == ("NEW", 1, day(100), day(100))


@pytest.mark.parametrize("known_by", ["membership", "actions"])
def test_rename_of_a_symbol_known_before_its_bars(
    settings, history, bars, actions, member, merged, reply, query, known_by
):
    dividend = actions(("NEW", day(50), "dividend", 0.1))
    merged(settings, MEMBERS, member("OLD", day(70)))
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    if known_by == "membership":
        # the fund runs ahead of the exchange by two sessions
        for position in (98, 100, 104):
            merged(settings, MEMBERS, member("NEW", day(position)))
    else:
        reply(bars(), day(0), acted=dividend)
    assert len({row[3] for row in query(settings, MAP)}) == 2
    reply(history("NEW", 1, 0, 106), day(0), acted=dividend)
    merged(settings, MEMBERS, member("NEW", day(97)))
    merged(settings, MEMBERS, member("OLD", day(103), "SP600"))
    assert query(settings, MAP) == [
        ("NEW", day(100), "infinity", 1),
        ("OLD", "-infinity", day(100), 1),
    ]
    one = "select count(distinct instrument_id) from core.{}"
    assert query(settings, one.format("index_membership")) == [(1,)]
    assert query(settings, one.format("corporate_action")) == [(1,)]
    assert query(settings, "select ticker, value from published.corporate_action") == [("OLD", 0.1)]
    past = query(
        settings, "select ticker, as_of_date::text from history.index_membership order by 2"
    )
    assert past == (
        [("NEW", day(98)), ("NEW", day(100)), ("NEW", day(104))] if known_by == "membership" else []
    )
    # the same rows to their readers
    assert query(settings, "select * from published.restatement where column_name <> 'value'") == []
    twice = "select count(*) from published.index_membership group by index_code, as_of_date"
    assert set(query(settings, twice)) == {(1,)}
    if known_by == "membership":
        told = query(
            settings,
            "select min(from_date)::text from audit.change where table_name = 'index_membership'"
            " and run_id = (select max(superseded_by) from history.index_membership)",
        )
        assert told == [(str((pd.Timestamp(day(98)) + pd.Timedelta(days=1)).date()),)]
