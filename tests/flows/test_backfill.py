"""Backfills as whole flows: plans, loaded rows, and interruptions."""

import re
from datetime import date
from typing import Any

import pytest

from tasks.backfill.datasets.prices import plan_prices_backfill
from tasks.backfill.plan import BackfillPlan
from tasks.backfill.request import resolve_request
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import CLOCK, Tape
from warehouse.connect.connections import connect

BEFORE = "2026-02-06T23:00:00+00:00"
# a fund's file of each day is a snapshot: who begins later has fewer of them
SNAPSHOTS = ("index_membership", "index_concentration", "sector_breadth")
# what FRED says, and what is derived from it
MACRO = (
    "macro_observation",
    "macro_regime",
    "rate_sensitivity",
    "release_reaction",
    "scenario_monitor",
    "claim_ledger",
)
# what filings say, and what is derived from them
FILINGS = (
    "valuation",
    "company_ticker",
    "company",
    "company_fact",
    "debt_maturity",
    "company_refinancing",
    "refinancing_wall",
    "rate_shock",
    "zombie_status",
)


def plan(replay: Replay, **parameters: Any) -> BackfillPlan:
    """What a backfill of prices would find at the sandbox's clock."""
    scope = resolve_request(parameters, ["prices"], replay.sandbox.now(), replay.settings)
    return plan_prices_backfill(scope)


def asked_of_yahoo(replay: Replay) -> set[str]:
    """The tickers with bars requested since the log was emptied."""
    paths = (entry["path"] for entry in replay.sandbox.requests())
    return {path.rpartition("/")[2] for path in paths if "/finance/chart/" in path}


def tickers_held(replay: Replay) -> set[str]:
    return set(replay.column("select distinct ticker from published.daily_price"))


@pytest.fixture(scope="module")
def week_ago(start_replay: MakeReplay) -> Replay:
    """A warehouse that was filled a week ago by backfills, and was not run since."""
    replay = start_replay(clock=BEFORE)
    for dataset in ("holdings", "prices"):
        end = replay.run("backfill", dataset=dataset)
        assert end.state == "Completed", end.output
    replay.sandbox.set_clock(CLOCK)
    replay.sandbox.clear_requests()
    return replay


@pytest.fixture(scope="module")
def week_later(start_replay: MakeReplay, completed_daily_run: Replay) -> Replay:
    """A warehouse whose last run was a week of four sessions ago, Tuesday to Friday."""
    return start_replay(clock="2026-02-20T23:00:00+00:00", filled=completed_daily_run)


def test_a_plan_counts_the_sessions_of_the_week(week_later: Replay) -> None:
    first, last = date(2026, 2, 17), date(2026, 2, 20)
    gaps = [gap for gap in plan(week_later).gaps if gap.reason == "not_asked"]
    held = tickers_held(week_later)
    # four sessions of each ticker that has bars
    assert {(gap.item, gap.first, gap.last, gap.rows) for gap in gaps} == {
        (ticker, first, last, 4) for ticker in held
    }
    wednesday = plan(week_later, end=date(2026, 2, 18), tickers=["IWM"])
    assert [(each.item, each.start, each.rows) for each in wednesday.work_items] == [
        ("IWM", first, 2)
    ]


def test_an_index_stands_for_its_members(week_later: Replay, market: Tape) -> None:
    asked = {"index": "SP500"}
    scope = resolve_request(asked, ["prices"], week_later.sandbox.now(), week_later.settings)
    assert set(scope.items) == set(market.members("IVV", "2026-02-12"))


def test_a_dry_run_shows_the_plan_and_changes_nothing(week_later: Replay) -> None:
    before = week_later.checksums(), week_later.column("select count(*) from audit.run")
    end = week_later.run("backfill", dry_run=True)
    count = len(plan(week_later).work_items)
    assert (end.state, end.message.split(" tickers")[0]) == ("Completed", f"Plan only: {count}")
    assert week_later.sandbox.requests() == []
    assert (week_later.checksums(), week_later.column("select count(*) from audit.run")) == before
    # numbers, tickers and reasons, each of them once
    text = week_later.artifact("backfill-prices-plan")
    reasons = {each.reason for each in plan(week_later).work_items}
    numbers = re.findall(r"`[^`]+`|(?<![\d:-])\d+(?![\d:-])", text)
    assert str(count) in numbers
    assert sorted(numbers) == sorted(set(numbers)), text
    assert [text.count(f"| {reason} |") for reason in reasons] == [1] * len(reasons), text


def test_an_invalid_request_is_reported_and_nothing_starts(week_later: Replay) -> None:
    before = week_later.column("select count(*) from audit.run")
    end = week_later.run("backfill", start="2026-02-12", end="2026-02-10", tickers=["IWMM"])
    assert end.state == "Failed"
    assert end.message.startswith("end 2026-02-10 is before start 2026-02-12")
    # all of it at once
    assert (
        "tickers names IWMM, which the warehouse does not follow. Did you mean IWM?" in end.message
    )
    assert "Traceback" not in end.output
    assert week_later.sandbox.requests() == []
    assert week_later.column("select count(*) from audit.run") == before


@pytest.mark.slow
def test_an_outage_in_the_middle_is_named_and_made_good(
    week_ago: Replay, completed_daily_run: Replay
) -> None:
    sick, settings = "IJR", {"env": {"ROTATION_YAHOO_BATCH_TICKERS": "15"}}
    week_ago.sandbox.add_fault("status", "yahoo.com", f"/chart/{sick}$", status=500, count=None)
    end = week_ago.run("backfill", order="alphabetical", **settings)
    assert end.state == "Degraded", end.output
    assert f"1 outage: {sick}" in end.message
    assert "outage 1" in end.message.splitlines()[-1]
    found = plan(week_ago)
    assert [each.item for each in found.work_items] == [sick]
    # the view that consumers see names the same rows, worked out another way
    assert sum(gap.rows or 0 for gap in found.gaps if gap.item == sick) == 5
    assert week_ago.rows(
        "select distinct item, missing_reason from published.coverage_gap"
        " where dataset = 'daily_price' and session_date > '2026-02-06'"
        " and missing_reason in ('outage', 'throttled', 'refused', 'not_asked')"
    ) == [(sick, "outage")]

    week_ago.sandbox.clear_faults()
    week_ago.sandbox.clear_requests()
    end = week_ago.run("backfill", mode="failed")
    assert end.state == "Completed", end.output
    assert asked_of_yahoo(week_ago) == {sick}
    without = (*SNAPSHOTS, *MACRO, *FILINGS)
    assert week_ago.checksums(without) == completed_daily_run.checksums(without)

    week_ago.sandbox.clear_requests()
    end = week_ago.run("backfill")
    assert (end.state, end.message.split(":")[0]) == ("Completed", "Nothing to do"), end.output
    assert week_ago.sandbox.requests() == []


@pytest.mark.slow
def test_a_chunk_that_fails_leaves_the_others_to_go_on(week_ago: Replay) -> None:
    with connect(week_ago.settings, "owner") as connection:
        connection.execute(
            """
            alter table audit.fetch add constraint spoilt
            check (item <> 'SPY' or run_id is null) not valid
            """
        )
    alone = {"env": {"ROTATION_YAHOO_BATCH_TICKERS": "1"}}
    week_ago.sandbox.add_fault("status", "yahoo.com", "/chart/KRE$", status=500, count=None)
    end = week_ago.run("backfill", mode="all", tickers=["IWM", "KRE", "SPY", "XBI"], **alone)
    week_ago.sandbox.clear_faults()
    with connect(week_ago.settings, "owner") as connection:
        connection.execute("alter table audit.fetch drop constraint spoilt")
    assert end.state == "Degraded", end.output
    assert "chunk 3 of 4 (SPY) failed: " in end.message
    states = "select state from audit.run where flow = 'backfill' order by run_id desc limit 4"
    assert week_ago.column(states) == ["completed", "failed", "failed", "completed"]
    # the result says each failure once: as a gap where it left one
    text = week_ago.artifact("backfill-prices-result")
    assert [text.count(each) for each in ("KRE", "outage", "chunk 3 of 4")] == [1, 1, 1], text
    assert "| daily_price |" in text
    assert float(week_ago.artifact("backfill-prices-progress")) == 100
    again = week_ago.run("backfill", tickers=["IWM", "XBI"])
    assert again.message.startswith("Nothing to do: 2 tickers, no gaps that a fetch could fill now")


def test_a_full_disk_ends_it_with_words_that_help(
    start_replay: MakeReplay, completed_daily_run: Replay
) -> None:
    """A full disk would fail all other chunks, too: they are not requested."""
    replay = start_replay(filled=completed_daily_run)
    with connect(replay.settings, "owner") as connection:
        connection.execute(
            """
            create function audit.fill_up() returns trigger language plpgsql as $$
            begin raise 'no room' using errcode = 'disk_full'; end $$;
            create trigger spoilt before insert on audit.fetch
            for each row when (new.item = 'SPY') execute function audit.fill_up()
            """
        )
    alone = {"env": {"ROTATION_YAHOO_BATCH_TICKERS": "1"}}
    end = replay.run("backfill", mode="all", tickers=["IWM", "SPY", "XBI"], **alone)
    with connect(replay.settings, "owner") as connection:
        connection.execute("drop function audit.fill_up cascade")
    assert end.state == "Failed", end.output
    assert "is full: make room there. Nothing is half-loaded" in end.message
    assert asked_of_yahoo(replay) == {"IWM", "SPY"}
    states = "select state from audit.run where flow = 'backfill' order by run_id desc limit 2"
    assert replay.column(states) == ["failed", "completed"]
    end = replay.run("backfill", mode="all", tickers=["SPY"])
    assert end.state == "Completed", end.output
    assert replay.column(states) == ["completed", "failed"]


@pytest.mark.slow
def test_a_backfill_that_is_killed_goes_on_where_it_was(
    replay: Replay, completed_daily_run: Replay, market: Tape
) -> None:
    assert replay.run("backfill", dataset="holdings").state == "Completed"
    chunks = {"env": {"ROTATION_YAHOO_BATCH_TICKERS": "5"}}
    flow = replay.start("backfill", **chunks)
    committed = "select item from audit.fetch where dataset = 'daily_price'"
    while not replay.column(committed):
        assert flow.process.is_alive(), flow.wait().output
    flow.kill()
    done = set(replay.column(committed))
    replay.sandbox.clear_requests()
    end = replay.run("backfill", **chunks)
    assert end.state == "Completed", end.output
    assert done
    assert asked_of_yahoo(replay)
    assert asked_of_yahoo(replay) & done == set()
    without = (*MACRO, *FILINGS)
    assert replay.checksums(without) == completed_daily_run.checksums(without)
    doubled = "select item from audit.fetch where dataset = 'daily_price' group by 1"
    assert replay.column(f"{doubled} having count(*) > 1") == []
    assert replay.column("select state from audit.run where state = 'running'") == []

    # what is due was asked for: a run on schedule asks for nothing more, but at 21:30 in New York
    # for the bars of the day that were bad at 18:00; and on a holiday for nothing
    replay.sandbox.clear_requests()
    end = replay.run("prices", only_stale=True)
    assert (end.state, end.message.split(":")[0]) == ("Completed", "Up to date")
    assert replay.sandbox.requests() == []
    replay.sandbox.set_clock("2026-02-14T02:30:00+00:00")
    assert replay.run("prices", only_stale=True).state == "Completed"
    bad = {ticker for ticker, day in market.bad_bars() if day == "2026-02-13"}
    assert bad
    assert asked_of_yahoo(replay) == bad
    replay.sandbox.clear_requests()
    replay.sandbox.set_clock("2026-02-16T23:30:00+00:00")
    end = replay.run("prices", only_stale=True)
    assert (end.state, end.message.split(".")[0]) == ("Completed", "No session today, 2026-02-16")
    assert replay.sandbox.requests() == []
