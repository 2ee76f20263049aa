"""Which instrument a ticker names: renames and reused symbols in the loads that reveal them."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import psycopg
import pytest

from expectations import corporate_action, daily_price, index_membership
from expectations.sessions import session_closes
from tasks.extract.ledger import Fetch, to_frame, utc_now
from tasks.load import Batch, load
from tasks.plan import plan_prices, read_held_closes, universe
from tasks.record import Run
from tasks.validate import Validated
from warehouse.checksum import checksums
from warehouse.connections import connect
from warehouse.merge import Counts

PRICES, ACTIONS, MEMBERS = (
    module.CONTRACT for module in (daily_price, corporate_action, index_membership)
)
SESSIONS = session_closes().index[
    (session_closes().index >= "2023-01-03") & (session_closes().index < "2025-01-01")
]
MAP = """
select ticker, valid_from::text, valid_to::text,
    dense_rank() over (order by instrument_id) as instrument
from core.ticker order by ticker, valid_from
"""
PERIODS = """
select ticker, count(*), min(session_date)::text, max(session_date)::text
from published.daily_price group by ticker order by ticker
"""
ALL = ("-infinity", "infinity")


def day(position: int) -> str:
    """The date of a session, counted from the first."""
    return str(SESSIONS[position].date())


@pytest.fixture
def history(bars) -> Callable[..., pd.DataFrame]:
    """Makes a company's bars in some sessions, under a symbol; a company is its seed."""

    def make(ticker: str, seed: int, first: int, after: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        closes = 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(SESSIONS))))
        volumes = random.integers(1_000, 9_000_000, len(SESSIONS))
        return bars(
            *(
                (ticker, day(each), round(float(closes[each]), 6), int(volumes[each]))
                for each in range(first, after)
            )
        )

    return make


@pytest.fixture
def member():
    """Makes a member row."""

    def make(ticker: str, as_of: str, index_code: str = "R2000") -> pd.DataFrame:
        row = dict.fromkeys(MEMBERS.frame_columns) | {
            "index_code": index_code,
            "ticker": ticker,
            "as_of_date": pd.Timestamp(as_of),
            "known_from": pd.Timestamp(as_of) + pd.Timedelta(days=1),
            "weight_pct": 100.0,
            "market_value_usd": 1e6,
            "fund": "IWM",
            "source": "test",
        }
        return pd.DataFrame([row])

    return make


@pytest.fixture
def reply(settings, new_run, actions):
    """Loads bars as one run's reply that was asked from a session on; nothing was set aside."""
    nothing = pd.DataFrame(columns=["table_name", "key", "rule", "reason", "row"])
    results = pd.DataFrame()

    def give(frame: pd.DataFrame, window_start: str, aside: pd.DataFrame = nothing) -> Counts:
        fetches = to_frame(
            Fetch(
                "yahoo", "daily_price", ticker, date.fromisoformat(window_start), None, "loaded",
                None, "", 1, 1, utc_now(), utc_now(),
            )
            for ticker in frame["ticker"].unique()
        )  # fmt: skip
        batch = Batch(
            fetches,
            (
                (PRICES, Validated(frame, aside, results)),
                (ACTIONS, Validated(actions(), nothing, results)),
            ),
        )
        return load.fn(batch, Run(new_run(settings), settings))["daily_price"]

    return give


def content(settings):
    with connect(settings) as connection:
        return {each.table: each for each in checksums(connection)}


def test_rename_across_runs(settings, history, merged, query):
    merged(settings, PRICES, pd.concat([history("OLD", 1, 0, 100), history("AAA", 2, 0, 101)]))
    assert merged(settings, PRICES, history("NEW", 1, 0, 103)) == Counts(new=3, same=100)
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
    assert merged(settings, PRICES, frame) == Counts(new=103, same=100)
    assert query(settings, PERIODS) == [
        ("NEW", 3, day(100), day(102)),
        ("OLD", 100, day(0), day(99)),
    ]
    before = content(settings)
    assert merged(settings, PRICES, frame) == Counts(same=203)
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
    assert merged(settings, PRICES, frame) == Counts(new=3, changed=3, same=97)
    frame = history("OTHER", 1, 0, 104)
    frame.loc[50:60, "volume"] += 1
    merged(settings, PRICES, frame)
    assert query(settings, "select count(*) from core.instrument") == [(2,)]


def test_late_rows_under_the_old_symbol_find_their_instrument(settings, history, merged, query):
    merged(settings, PRICES, history("OLD", 1, 10, 100))
    merged(settings, PRICES, history("NEW", 1, 10, 103))
    before = content(settings)
    assert merged(settings, PRICES, history("OLD", 1, 80, 100)) == Counts(same=20)
    assert merged(settings, PRICES, history("OLD", 1, 90, 103)) == Counts(same=13)
    assert content(settings) == before
    assert merged(settings, PRICES, history("NEW", 1, 0, 103)) == Counts(new=10, same=93)
    assert query(settings, PERIODS) == [
        ("NEW", 3, day(100), day(102)),
        ("OLD", 100, day(0), day(99)),
    ]


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
    assert reply(history("NEW", 1, 0, 100), day(0), aside) == Counts(same=100)
    assert reply(history("NEW", 1, 90, 101), day(90)) == Counts(new=1, same=10)
    assert query(settings, PERIODS)[0] == ("NEW", 1, day(100), day(100))


@pytest.mark.parametrize("known_by", ["membership", "actions"])
def test_rename_of_a_symbol_known_before_its_bars(
    settings, history, actions, member, merged, query, known_by
):
    merged(settings, MEMBERS, member("OLD", day(70)))
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    if known_by == "membership":
        # the fund runs ahead of the exchange by two sessions
        for position in (98, 100, 104):
            merged(settings, MEMBERS, member("NEW", day(position)))
    else:
        merged(settings, ACTIONS, actions(("NEW", day(50), "dividend", 0.1)))
    assert len({row[3] for row in query(settings, MAP)}) == 2
    merged(settings, PRICES, history("NEW", 1, 0, 106))
    merged(settings, ACTIONS, actions(("NEW", day(50), "dividend", 0.1)))
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


def test_members_of_one_file_are_never_one_instrument(settings, history, member, merged, query):
    merged(settings, PRICES, history("OLD", 1, 0, 100))
    merged(settings, PRICES, history("NEW", 1, 0, 103))
    file = pd.concat([member("NEW", day(101)), member("OLD", day(101))])
    assert merged(settings, MEMBERS, file) == Counts(new=2)
    assert merged(settings, MEMBERS, file) == Counts(same=2)
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
    assert reply(frame, day(90)) == Counts(new=17)
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
    assert reply(frame, day(90)) == Counts(same=17)
    # a first bar that was set aside comes late
    assert reply(history("SYM", 9, 164, 183), day(160)) == Counts(new=2, same=17)
    assert content(settings) != before
    assert query(settings, PERIODS) == [("SYM", 119, day(0), day(182))]
    assert query(settings, "select ticker, renamed_to from published.ticker") == [("SYM", None)] * 2


def test_long_halt_is_no_reuse(settings, history, reply, query):
    reply(history("SYM", 1, 0, 100), day(0))
    halted = pd.concat([history("SYM", 1, 90, 100), history("SYM", 1, 300, 310)])
    assert reply(halted, day(90)) == Counts(new=10, same=10)
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
    windows = plan_prices.fn(["AAA", "NEW", "SYM"], False, settings)
    assert [(each.ticker, each.start.isoformat()) for each in windows] == [
        ("NEW", day(110)),
        ("SYM", day(110)),
        ("AAA", settings.history_start.isoformat()),
    ]
    held = read_held_closes.fn(windows, settings)
    assert held.groupby("ticker").size().to_dict() == {"NEW": 10, "SYM": 10}
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
