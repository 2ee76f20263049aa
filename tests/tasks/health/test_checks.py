"""Test that each health check finds its issues, and none in a healthy warehouse."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from expectations.tables import index_membership
from tasks.health.checks import HealthIssue, run_health_checks
from tasks.health.report import render_health_report
from tasks.load.load import load
from tasks.run.context import open_run
from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn
from warehouse.settings import Settings

NOW = datetime(2024, 6, 7, 3, tzinfo=UTC)


@pytest.fixture
def find_issues(settings: Settings) -> Callable[..., list[HealthIssue]]:
    """Return the issues of one check, with other settings or at another logical time."""

    def find(check: str, now: datetime = NOW, **changed: Any) -> list[HealthIssue]:
        found = run_health_checks(settings.model_copy(update=changed), now)
        return [issue for issue in found if issue.check == check]

    return find


@pytest.fixture
def record_run(settings: Settings) -> Callable[..., int]:
    """Record a run in a state, with quarantined rows."""

    def record(
        flow: str,
        state: str,
        detail: str = "",
        quarantined: int = 0,
        hours_ago: int = 0,
        rule: str = "ohlc_order",
        clock_at: datetime = NOW,
    ) -> int:
        with connect(settings) as connection:
            row = connection.execute(
                """
                insert into audit.run
                    (flow, process, state, detail, clock_at, started_at, ended_at)
                values (%(flow)s, 'test:1', %(state)s, %(detail)s, %(clock_at)s,
                    clock_timestamp() - %(hours)s * interval '1 hour',
                    case when %(state)s <> 'running' then clock_timestamp() end)
                returning run_id
                """,
                {
                    "flow": flow,
                    "state": state,
                    "detail": detail,
                    "hours": hours_ago,
                    "clock_at": clock_at,
                },
            ).fetchone()
            run_id: int = row[0]
            connection.execute(
                "insert into audit.load (run_id, table_name, rows_new, rows_changed, rows_same,"
                " rows_removed, loaded_at) values (%s, 'core.daily_price', 1, 0, 9, 0, now())",
                (run_id,),
            )
            for n in range(quarantined):
                key = json.dumps({"run": run_id, "n": n})
                connection.execute(
                    "insert into audit.quarantine"
                    " (first_run_id, last_run_id, table_name, key, rule, reason, row)"
                    " values (%s, %s, 'daily_price', %s, %s, 'wrong', %s)",
                    (run_id, run_id, key, rule, key),
                )
        return run_id

    return record


def test_stale_dataset_is_an_issue_with_its_reason(find_issues) -> None:
    messages = {issue.target: issue.message for issue in find_issues("freshness")}
    assert messages["daily_price"] == "no rows; never requested"
    assert "macro_observation CPIAUCSL" in messages
    assert str(find_issues("freshness")[0]).startswith("freshness: ")
    assert all("\n" not in str(issue) for issue in find_issues("freshness"))


@pytest.mark.parametrize("state", ["failed", "crashed", "degraded"])
def test_flow_whose_last_run_did_not_complete(find_issues, record_run, state: str) -> None:
    record_run("macro", "completed")
    record_run("prices", state)
    record_run("prices", "completed")
    assert find_issues("run") == []
    run_id = record_run("prices", state, "daily_price: 3 new\n2 throttled: AAA, BBB")
    [issue] = find_issues("run")
    assert issue.target == "prices"
    assert issue.message.startswith(f"run {run_id} of ")
    assert issue.message.endswith(f"is {state}. daily_price: 3 new; 2 throttled: AAA, BBB")


def test_cancelled_run_is_no_issue_and_hides_none(find_issues, record_run) -> None:
    record_run("backfill", "cancelled")
    assert find_issues("run") == []
    run_id = record_run("prices", "failed")
    record_run("prices", "cancelled")
    [issue] = find_issues("run")
    assert issue.message.startswith(f"run {run_id} of ")


@pytest.mark.parametrize("state", ["failed", "crashed", "degraded"])
def test_failed_backfill_is_an_issue_for_a_day(find_issues, record_run, state: str) -> None:
    run_id = record_run("backfill", state, clock_at=NOW - timedelta(hours=23))
    [issue] = find_issues("run")
    assert issue.message.startswith(f"run {run_id} of ")
    assert find_issues("run", NOW + timedelta(hours=2)) == []
    # one that is still running is an issue like any other
    record_run("backfill", "running", hours_ago=30, clock_at=NOW - timedelta(hours=30))
    assert [issue.target for issue in find_issues("run")] == ["backfill"]
    # for a scheduled flow it is one until the next run completes
    record_run("backfill", "completed")
    record_run("prices", state, clock_at=NOW - timedelta(days=9))
    assert [issue.target for issue in find_issues("run")] == ["prices"]


def test_checks_use_only_the_login_of_flows(settings) -> None:
    """A remote worker has no other login, and readers may use all of their connections."""
    wrong = {"reader_password": SecretStr("wrong-password")}
    changed = settings.model_copy(update=wrong)
    assert run_health_checks(changed, NOW) == run_health_checks(settings, NOW)
    assert render_health_report([], changed, NOW).startswith("# All checks passed")


def test_run_that_runs_too_long(find_issues, record_run) -> None:
    record_run("prices", "running", hours_ago=5)
    assert find_issues("run") == []
    record_run("macro", "running", hours_ago=7)
    [issue] = find_issues("run")
    assert issue.target == "macro"
    assert "still running since" in issue.message
    assert issue.message.endswith("UTC (limit 6 h)")


def test_run_that_quarantines_far_more_than_the_runs_before(find_issues, record_run) -> None:
    for _ in range(4):
        record_run("prices", "completed", quarantined=6)
    record_run("prices", "completed", quarantined=60)
    # four runs are too few to compare with
    assert find_issues("quarantine") == []
    record_run("prices", "completed", quarantined=20)
    record_run("prices", "completed", quarantined=30)
    # five times the median of six, not more
    assert find_issues("quarantine") == []
    run_id = record_run("prices", "completed", quarantined=31)
    # runs of another flow and later runs do not count
    record_run("prices-full-history", "completed", quarantined=99)
    record_run("prices", "completed", quarantined=1)
    message = f"run {run_id} quarantined 31 rows (median 6)"
    assert find_issues("quarantine") == [HealthIssue("quarantine", "daily_price", message)]


def test_bars_fetched_before_the_close_do_not_count(find_issues, record_run) -> None:
    for _ in range(5):
        record_run("prices", "completed", quarantined=6)
    record_run("prices", "completed", quarantined=99, rule="unfinished_session")
    assert find_issues("quarantine") == []
    # nor do they raise the median
    for _ in range(6):
        record_run("prices", "completed", quarantined=40, rule="unfinished_session")
    run_id = record_run("prices", "completed", quarantined=31)
    message = f"run {run_id} quarantined 31 rows (median 0)"
    assert find_issues("quarantine") == [HealthIssue("quarantine", "daily_price", message)]


@pytest.fixture
def store_bars(settings: Settings, bars, load_prices, fetches, checked) -> Callable[[int], None]:
    """Store ten members of the Russell 2000, some of them with a bar of 2024-06-06."""

    def store(bar_count: int) -> None:
        names = [f"T{n}" for n in range(10)]
        members = pd.DataFrame({"ticker": names}).assign(
            index_code="R2000", as_of_date=pd.Timestamp("2024-06-04"), name="A", sector=None,
            known_from=pd.Timestamp("2024-06-05"), exchange="NYSE", weight_pct=10.0,
            weight_pct_filed=None, shares=1.0, price_usd=None, fund="IWM", market_value_usd=1.0,
            source="test", cusip=None, isin=None, lei=None,
        )  # fmt: skip
        with open_run("holdings", settings) as run:
            fetched = fetches(("IWM", "loaded")).assign(dataset="index_membership")
            load.fn(fetched, (checked(index_membership.CONTRACT, members),), run.writer)
        days = [(name, "2024-06-05", 10.0) for name in names]
        load_prices(settings, bars(*days, *((n, "2024-06-06", 10.0) for n in names[:bar_count])))
        with connect(settings) as connection:
            connection.execute(
                "update audit.fetch set window_start = '2024-06-01', window_end = '2024-06-06'"
            )
            # a session is expected only up to the last fetch
            connection.execute(
                "insert into audit.fetch (run_id, source, dataset, item, window_start, window_end,"
                " status, detail, rows, attempts, started_at, finished_at)"
                " select run_id, 'yahoo', 'daily_price', 'T0', '2024-06-01', '2024-06-06',"
                " 'loaded', '', 1, 1, now(), now() from audit.run order by run_id desc limit 1"
            )

    return store


def test_newest_session_with_too_few_bars(find_issues, store_bars) -> None:
    store_bars(9)
    message = "9 of 10 bars of 2024-06-06 are loaded"
    assert find_issues("coverage") == [HealthIssue("coverage", "R2000", message)]
    assert find_issues("coverage", health_coverage_pct=90.0) == []
    # before its SLA, the session before is the newest
    assert find_issues("coverage", datetime(2024, 6, 7, 1, 59, tzinfo=UTC)) == []


def test_series_cut_short_is_an_issue_for_a_week_after_it_began(
    find_issues, record_run, settings
) -> None:
    def fetch(series: str, days_ago: int, reason: str | None = None) -> None:
        with connect(settings) as connection:
            connection.execute(
                """
                insert into audit.fetch (
                    run_id, source, dataset, item, status, reason, detail, rows, attempts,
                    started_at, finished_at
                )
                select %s, 'alfred', 'macro_observation', %s, 'loaded', %s, 'What happened.', 3, 1,
                    at, at
                from (select clock_timestamp() - %s * interval '1 day' as at)
                """,
                (record_run("macro", "completed"), series, reason, days_ago),
            )

    fetch("WHOLE", 2)
    fetch("WHOLE", 1)
    fetch("CUT", 3)
    fetch("CUT", 2, "later_start")
    fetch("CUT", 1, "later_start")
    fetch("LONG", 12)
    fetch("LONG", 8, "later_start")
    fetch("LONG", 1, "later_start")
    fetch("GAP", 9)
    fetch("GAP", 6, "later_start")
    fetch("NEVER", 1, "later_start")
    fetch("BACK", 3)
    fetch("BACK", 2, "later_start")
    fetch("BACK", 1)
    found = find_issues("coverage")
    assert [str(issue) for issue in found] == [
        "coverage: CUT: What happened.",
        "coverage: GAP: What happened.",
    ]


def test_clock_and_origin_that_do_not_match(find_issues, settings) -> None:
    replay_clock = {"clock": "http://127.0.0.1/clock"}
    assert find_issues("clock", **replay_clock) == []
    [issue] = find_issues("clock")
    assert issue.message.endswith("but the clock is the host's")
    with connect(settings) as connection:
        connection.execute("insert into audit.origin (origin) values ('another')")
    [issue] = find_issues("clock", **replay_clock)
    assert issue.message.startswith("the warehouse is of 'another', the settings say 'test-")
    # the same database by URL: the name of a live one differs
    same = {"database_url": SecretStr(warehouse_dsn(settings, "owner").split("?")[0])}
    live = {
        each.message
        for each in find_issues("clock", origin="live", clock="2024-06-07T03:00Z", **same)
    }
    assert "the origin is 'live', but the clock is set by ROTATION_CLOCK" in live


def test_data_from_the_future(find_issues, settings, bars, load_prices) -> None:
    load_prices(settings, bars(("IWM", "2024-06-07", 10.0)))
    moved = {"clock": "http://127.0.0.1/clock"}
    # 23:00 on the sixth in New York
    [issue] = find_issues("clock", **moved)
    assert issue == HealthIssue(
        "clock", "data", "newest date 2024-06-07 is later than now, 2024-06-07 03:00 UTC"
    )
    assert find_issues("clock", datetime(2024, 6, 7, 4, tzinfo=UTC), **moved) == []


def test_disk_with_too_little_space(find_issues, settings) -> None:
    assert find_issues("disk", health_free_gb=0.0) == []
    [issue] = find_issues("disk", health_free_gb=1e9)
    assert issue.target == str(settings.home)
    assert issue.message.endswith("GB free; ROTATION_HEALTH_FREE_GB is 1e+09")


def test_failed_price_check_is_an_issue_for_as_long_as_there_is_a_key(
    find_issues, record_run
) -> None:
    run_id = record_run("price-check", "failed", "7 refused: IJR")
    [issue] = find_issues("run", tiingo_api_key=SecretStr("7" * 40))
    assert issue.message.startswith(f"run {run_id} of ")
    # without one, no run will ever complete again
    assert find_issues("run") == []
