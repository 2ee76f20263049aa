"""Test that the funds' reports turn a back-cast of three years into dated membership."""

from typing import Any

import pytest

from deployments.sandbox.market import simulate
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import Tape, thin_out

BREADTH = """
select session_date, members, advancers, decliners, is_backcast from published.sector_breadth
where index_code = 'R2000' and sector = 'All' order by session_date
"""
SNAPSHOTS = """
select as_of_date::text, min(known_from), min(source), count(*), sum(weight_pct_filed)
from published.index_membership where index_code = 'R2000' group by as_of_date order by as_of_date
"""
Breadth = dict[Any, tuple[Any, ...]]


@pytest.fixture(scope="module")
def long_market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Three simulated years of 40 companies, some of which are delisted, and one renamed."""
    folder = tmp_path_factory.mktemp("tapes") / "long-market"
    simulate(folder, seed=7, small=30, large=10, years=3)
    thin_out(folder)
    return Tape(folder)


@pytest.fixture(scope="module")
def loaded(start_replay: MakeReplay, long_market: Tape) -> tuple[Replay, Breadth]:
    """A warehouse after the past holdings were loaded, and its breadth before."""
    replay = start_replay(long_market.folder)
    for flow in ("holdings", "filings"):
        end = replay.run(flow)
        assert end.state in ("Completed", "Degraded"), end.output
    # of all companies that ever were members: the past ones' prices are needed too
    shares = [row["ticker"] for row in long_market.csv("instruments").iter_rows(named=True)]
    assert replay.run("prices", tickers=sorted(set(shares))).state in ("Completed", "Degraded")
    assert replay.run("derived").state == "Completed"
    before = {day: rest for day, *rest in replay.rows(BREADTH)}
    end = replay.run("past_holdings")
    assert end.state in ("Completed", "Degraded"), end.output
    assert replay.run("derived").state == "Completed"
    return replay, before


def past_files(market: Tape, replay: Replay) -> list[str]:
    """The report days that were loaded."""
    return [day for day, _, source, *_ in replay.rows(SNAPSHOTS) if source == "nport"]


def test_past_members_are_those_of_the_market(
    loaded: tuple[Replay, Breadth], long_market: Tape
) -> None:
    replay, _ = loaded
    days = past_files(long_market, replay)
    assert len(days) >= 10
    # matched by its CUSIP, a renamed company has the symbol that the ticker map gives it
    renamed = {
        row["ticker"]: row["renamed_to"]
        for row in long_market.csv("instruments").iter_rows(named=True)
        if row["renamed_to"]
    }
    for day in days:
        members = long_market.members("IWM", day)
        truth = {renamed.get(ticker, ticker): weight for ticker, weight in members.items()}
        stored = dict(
            replay.rows(
                "select ticker, weight_pct_filed from published.index_membership"
                " where index_code = 'R2000' and as_of_date = %s",
                day,
            )
        )
        unmatched = replay.rows(
            "select row ->> 'name', (row ->> 'weight_pct_filed')::float from audit.quarantine"
            " where table_name = 'index_membership' and key ->> 'as_of_date' = %s"
            " and key ->> 'index_code' = 'R2000' and row ->> 'source' = 'nport'",
            day,
        )
        assert set(stored) <= set(truth)
        assert len(stored) + len(unmatched) == len(truth)
        assert all(name for name, _ in unmatched)
        assert sum(stored.values()) >= 0.97 * (sum(stored.values()) + sum(w for _, w in unmatched))


def test_breadth_changes_only_where_membership_does(loaded: tuple[Replay, Breadth]) -> None:
    replay, before = loaded
    after = {day: rest for day, *rest in replay.rows(BREADTH)}
    snapshots = replay.rows(SNAPSHOTS)
    first_known = snapshots[0][1]
    first_file = next(known for _, known, source, *_ in snapshots if source == "ishares")
    assert after.keys() == before.keys()
    for day, row in after.items():
        assert row[-1] == (day < first_known)
        if day >= first_file:
            assert row == before[day]
    changed = [day for day in after if after[day][:-1] != before[day][:-1]]
    assert changed
    assert all(day < first_file for day in changed)


def test_second_run_loads_nothing(loaded: tuple[Replay, Breadth]) -> None:
    replay, _ = loaded
    stored = replay.rows(SNAPSHOTS)
    requests = replay.rows("select count(*) from audit.fetch where dataset = 'past_holdings'")
    assert replay.run("past_holdings").state == "Completed"
    assert replay.rows(SNAPSHOTS) == stored
    # one request per trust: its list
    added = replay.rows("select count(*) from audit.fetch where dataset = 'past_holdings'")
    assert added[0][0] == requests[0][0] + 1
