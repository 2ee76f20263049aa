"""Facts loaded in any order give the derived rows of one load and derivation."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.rotation import rotation_metrics
from warehouse.backup.checksum import checksums
from warehouse.connect.connections import connect

PAIRS = "select pair, count(*) from published.rotation_metrics group by pair order by pair"
LAST_LOAD = """
select rows_new, rows_changed, rows_same, rows_removed from audit.load
where table_name = 'derived.rotation_metrics' order by load_id desc limit 1
"""
WATERMARKS = "select input_table, change_id from audit.derivation order by 1"
NEWEST_CHANGES = """
select table_name, max(change_id) from audit.change
where table_name in ('corporate_action', 'daily_price') group by 1 order by 1
"""


def content(settings):
    """Rows and hash of every published table."""
    with connect(settings, "reader") as connection:
        return {each.table: (each.rows, each.digest) for each in checksums(connection)}


@pytest.fixture(scope="module")
def whole(new_warehouse, market, load_prices, follow):
    """A warehouse that holds and has derived the whole market. Only to look at, and to copy."""
    with new_warehouse() as settings:
        load_prices(settings, market.bars, market.actions)
        assert follow(settings)
        yield settings


@pytest.fixture(scope="module")
def at_once(whole):
    """The content after one load and one derivation."""
    return content(whole)


@pytest.fixture
def derived(new_warehouse, whole):
    """A copy of the whole warehouse, to change."""
    with new_warehouse(whole) as settings:
        yield settings


some_sessions = st.sets(st.integers(0, 299), max_size=4)
plans = st.fixed_dictionaries(
    {
        "cuts": st.sets(st.integers(1, 299), min_size=1, max_size=2),
        "last_sessions": st.integers(0, 2),
        "late": some_sessions,
        "wrong": some_sessions,
        "late_action": st.none() | st.integers(0, 21),
    }
)


def chunks_of(market, plan):
    """Up to each cut what was known then; after the last one what was late, wrong or overlooked."""
    bars, acts = market.bars, market.actions
    days = pd.to_datetime(market.days)
    is_late = (bars["ticker"] == "IWM") & bars["session_date"].isin(days[[*plan["late"]]])
    is_wrong = (bars["ticker"] == "SPY") & bars["session_date"].isin(days[[*plan["wrong"]]])
    first = bars.assign(close=bars["close"].where(~is_wrong, bars["close"] * 1.01))[~is_late]
    overlooked = [] if plan["late_action"] is None else [plan["late_action"]]
    known = acts.drop(index=acts.index[overlooked])
    for cut in [*sorted(plan["cuts"]), *range(299 - plan["last_sessions"], 300)]:
        yield first[first["session_date"] <= days[cut]], known[known["ex_date"] <= days[cut]]
    yield bars, known
    yield bars, acts


@pytest.fixture(scope="module")
def load_in_parts(new_warehouse, market, load_prices, follow):
    """The content after the parts of a plan, each derived when it came."""

    def load(plan):
        with new_warehouse() as settings:
            for some_bars, some_actions in chunks_of(market, plan):
                load_prices(settings, some_bars, some_actions)
                follow(settings)
            return content(settings)

    return load


QUIET = {"cuts": {90, 250}, "late": set(), "wrong": set(), "late_action": None}


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(QUIET | {"last_sessions": 2}, marks=pytest.mark.slow),
        QUIET | {"last_sessions": 0, "late": {7, 150, 298}, "wrong": {200, 255}},
    ],
    ids=["in order", "late and corrected"],
)
def test_parts_derive_the_bits_of_one_load(load_in_parts, at_once, plan):
    assert load_in_parts(plan) == at_once


@pytest.mark.slow
@given(plan=plans)
@hypothesis_settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_any_order_of_loading_derives_the_same_bits(load_in_parts, at_once, plan):
    assert load_in_parts(plan) == at_once


def test_returns_are_those_of_the_published_closes(derived, query):
    """Dividends of days on which a leg or the pair did not trade count on the next session."""
    legs = (
        "select session_date, close_split_adjusted, close_total_return from published.daily_price"
    )
    small, large = (
        pd.DataFrame(query(derived, f"{legs} where ticker = %s order by 1", (fund,)))
        for fund in ("IWM", "SPY")
    )
    pair = small.merge(large, on=0).set_index(0)
    names = [
        f"{kind}_{n}" for kind in ("excess_return", "excess_total_return") for n in (1, 5, 252)
    ]
    rows = query(
        derived,
        f"select session_date, {', '.join(names)} from published.rotation_metrics"
        " where pair = 'IWM/SPY' order by 1",
    )
    found = pd.DataFrame(rows).set_index(0).astype(float)
    for place, (column, n) in enumerate([(c, n) for c in (1, 2) for n in (1, 5, 252)], start=1):
        grown = pair / pair.shift(n)
        wanted = grown[f"{column}_x"] - grown[f"{column}_y"]
        assert found[place].isna().sum() == n
        assert found[place].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-12, nan_ok=True)


def test_nothing_new_derives_nothing(derived, market, load_prices):
    assert derive_table.fn(rotation_metrics.TABLE, derived) is None
    load_prices(derived, market.bars, market.actions)
    assert derive_table.fn(rotation_metrics.TABLE, derived) is None


def test_fact_that_reaches_no_row_moves_the_watermark_alone(
    derived, bars, load_prices, follow, query
):
    loads = "select count(*) from audit.load where table_name = 'derived.rotation_metrics'"
    before = query(derived, loads), content(derived), query(derived, WATERMARKS)
    load_prices(derived, bars(("AAPL", "2024-01-02", 185.0)))
    found = derive_table.fn(rotation_metrics.TABLE, derived)
    assert found.rows is None
    assert not follow(derived)
    moved = query(derived, WATERMARKS)
    assert moved == query(derived, NEWEST_CHANGES)
    del before[1]["daily_price"], before[1]["ticker"]
    after = content(derived)
    assert (query(derived, loads), {name: after[name] for name in before[1]}) == before[:2]
    assert moved != before[2]
    assert derive_table.fn(rotation_metrics.TABLE, derived) is None


def test_empty_warehouse_derives_nothing(settings):
    assert derive_table.fn(rotation_metrics.TABLE, settings) is None


def test_new_session_writes_one_row_per_pair(
    derived, market, bars, actions, load_prices, follow, query
):
    day = market.days[-1] + pd.Timedelta(days=1)
    new = bars(("IWM", day, 51.0), ("SPY", day, 201.0))
    assert load_prices(derived, new, actions())["daily_price"].new == 2
    assert follow(derived)
    assert query(derived, LAST_LOAD) == [(1, 0, 0, 0)]


def test_dividend_changes_only_windows_that_it_is_in(derived, market, load_prices, follow, query):
    instant = query(derived, "select clock_timestamp()")[0]
    acts = market.actions.copy()
    position = acts.index[(acts["ticker"] == "QQQ") & (acts["ex_date"] == str(market.days[240]))]
    acts.loc[position, "value"] += 0.25
    load_prices(derived, market.bars, acts)
    assert follow(derived)
    changed = query(
        derived,
        """
        select distinct now.pair, now.session_date >= %s, before.ratio = now.ratio
        from as_of.rotation_metrics(%s) as before
        join published.rotation_metrics as now using (pair, session_date)
        where before.loaded_at <> now.loaded_at
        """,
        (market.days[240], *instant),
    )  # fmt: skip
    assert changed == [("IWM/QQQ", True, True)]
    restated = "select distinct column_name from published.restatement where table_name = %s"
    columns = {name for (name,) in query(derived, restated, ("rotation_metrics",))}
    assert columns == {f"excess_total_return_{n}" for n in (1, 5, 21, 63, 126, 252)}


def test_pair_that_is_new_in_the_file_is_derived_whole(derived, at_once, follow, query):
    """To the derivation, a pair without rows is one that was added to pair.csv just now."""
    before = query(derived, PAIRS)
    assert [pair for pair, _ in before] == ["IWM/QQQ", "IWM/SPY"]
    query(derived, "delete from derived.rotation_metrics where pair = 'IWM/QQQ' returning 1")
    assert query(derived, PAIRS) == before[1:]
    assert follow(derived)
    assert content(derived) == at_once


def test_pair_that_is_gone_from_the_file_is_withdrawn(derived, at_once, follow, query):
    query(
        derived,
        """
        insert into derived.rotation_metrics
            (pair, session_date, ratio, outperformance_streak, regime, loaded_at, run_id)
        values ('SPY/IWM', '2023-01-02', 2, 0, 'undetermined', now(), 1) returning 1
        """,
    )
    assert content(derived) != at_once
    assert follow(derived)
    assert content(derived) == at_once
    gone = "select pair, ratio from history.rotation_metrics where superseded_by > run_id"
    assert query(derived, gone) == [("SPY/IWM", 2.0)]


def test_corrected_bar_reaches_no_session_before_it(
    settings, bars, actions, load_prices, follow, query
):
    days = [f"2024-01-{n:02}" for n in range(2, 12)]
    rows = [(fund, day, 10.0 + n) for fund in ("IWM", "SPY") for n, day in enumerate(days)]
    load_prices(settings, bars(*rows))
    follow(settings)
    load_prices(settings, bars(("IWM", days[6], 99.0)))
    assert follow(settings)
    # its own session, the next one, and the sixth, whose returns begin or end there
    past = "select session_date::text, run_id < superseded_by from history.rotation_metrics"
    assert query(settings, past) == [(day, True) for day in (days[6], days[7])]
