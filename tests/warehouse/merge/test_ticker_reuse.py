"""Reused symbols, in the loads that reveal them, and what reads the map."""

import pandas as pd
import psycopg
import pytest

from expectations.tables import daily_price, index_membership
from tasks.plan.prices import price_requests, read_stored_prices
from tasks.plan.universe import universe
from tests.warehouse.companies import ALL, MAP, PERIODS, content, day
from warehouse.connect.connections import connect
from warehouse.merge.counts import MergeCounts

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT


def test_former_symbol_of_another_company(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    merged(settings, PRICES, history("NEW", 1, 0, 140))
    merged(settings, PRICES, history("OLD", 5, 130, 142))
    assert query(settings, PERIODS) == [
        ("NEW", 40, day(100), day(139)),
        ("OLD", 112, day(0), day(141)),
    ]
    assert query(settings, MAP) == [
        ("NEW", day(100), "infinity", 1),
        ("OLD", "-infinity", day(100), 1),
        ("OLD", day(130), "infinity", 2),
    ]


def test_members_of_one_file_are_never_one_instrument(settings, history, member, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    merged(settings, PRICES, history("NEW", 1, 0, 103))
    file = pd.concat([member("NEW", day(101)), member("OLD", day(101))])
    assert merged(settings, MEMBERS, file) == MergeCounts(new=2)
    assert merged(settings, MEMBERS, file) == MergeCounts(same=2)
    assert query(settings, MAP)[1:] == [
        ("OLD", "-infinity", day(100), 1),
        ("OLD", day(100), "infinity", 2),
    ]


def test_reused_symbol_names_another_company(settings, history, reply, member, merged, query):
    reply(history("SYM", 1, 0, 100), day(0))
    merged(settings, MEMBERS, member("SYM", day(99)))
    # the new company's membership comes before its bars
    merged(settings, MEMBERS, member("SYM", day(180)))
    frame = history("SYM", 9, 165, 182)
    assert reply(frame, day(90)) == MergeCounts(new=17)
    assert query(settings, MAP) == [
        ("SYM", "-infinity", day(165), 1),
        ("SYM", day(165), "infinity", 2),
    ]
    assert query(
        settings,
        "select as_of_date::text, dense_rank() over (order by instrument_id)"
        " from core.index_membership order by 1",
    ) == [(day(99), 1), (day(180), 2)]
    before = content(settings)
    assert reply(frame, day(90)) == MergeCounts(same=17)
    # a first bar that was quarantined comes late
    assert reply(history("SYM", 9, 164, 183), day(160)) == MergeCounts(new=2, same=17)
    assert content(settings) != before
    assert query(settings, PERIODS) == [("SYM", 119, day(0), day(182))]
    assert query(settings, "select ticker, renamed_to from published.ticker") == [("SYM", None)] * 2


def test_long_halt_is_no_reuse(settings, history, reply, query):
    reply(history("SYM", 1, 0, 100), day(0))
    halted = pd.concat([history("SYM", 1, 90, 100), history("SYM", 1, 300, 310)])
    assert reply(halted, day(90)) == MergeCounts(new=10, same=10)
    assert query(settings, MAP) == [("SYM", *ALL, 1)]


@pytest.mark.parametrize(
    ("window_start", "first"),
    [(100, 165), (90, 159)],
    ids=["asked only for later bars", "silent for sixty sessions only"],
)
def test_without_proof_a_symbol_stays_its_company_s(
    settings, history, reply, query, window_start, first
):
    reply(history("SYM", 1, 0, 100), day(0))
    reply(history("SYM", 9, first, 200), day(window_start))
    assert query(settings, MAP) == [("SYM", *ALL, 1)]


def test_plan_follows_the_map(settings, history, reply, member, merged):
    reply(pd.concat([history("OLD", 1, 0, 100), history("SYM", 2, 0, 30)]), day(0))
    reply(history("NEW", 1, 0, 120), day(0))
    reply(history("SYM", 9, 100, 120), day(20))
    # the fund is slow to use the new symbol
    merged(settings, MEMBERS, member("OLD", day(119)))
    windows = price_requests(["AAA", "NEW", "SYM"], False, settings)
    assert [(each.ticker, each.start.isoformat()) for each in windows] == [
        ("NEW", day(110)),
        ("SYM", day(110)),
        ("AAA", settings.history_start.isoformat()),
    ]
    # and the closes of ten days before
    held = read_stored_prices(windows, settings).closes
    assert held.groupby("ticker").size().to_dict() == {"NEW": 16, "SYM": 16}
    with connect(settings) as connection:
        followed = universe(connection)
    assert "NEW" in followed
    assert "OLD" not in followed


def test_reader_may_see_the_map_but_not_core(settings):
    with (
        connect(settings, "reader") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from core.ticker")
