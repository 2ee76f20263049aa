"""Test the flow `health` on a healthy warehouse, and on one with issues."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flows.health import check_health
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import KEPT_SERIES
from warehouse.connect.connections import connect

# before the government shutdown of October 2025, which delayed releases
CLOCK = "2025-10-01T22:30:00+00:00"
# the test machine's free disk space does not matter
ANY_DISK = {"ROTATION_HEALTH_FREE_GB": "0"}


@pytest.fixture(scope="module")
def healthy(start_replay: MakeReplay) -> Replay:
    """Return a warehouse after an evening's daily run, with the series that the tape has."""
    replay = start_replay(clock=CLOCK)
    follow_kept_series(replay)
    end = replay.run("daily")
    assert end.state == "Completed", end.output
    return replay


def follow_kept_series(replay: Replay) -> None:
    with connect(replay.settings, "owner") as connection:
        connection.execute(
            "delete from core.macro_series where series_id <> all (%s)", ([*KEPT_SERIES],)
        )


@pytest.mark.slow
def test_all_checks_pass(healthy: Replay) -> None:
    end = healthy.run("health", env=ANY_DISK)
    assert (end.state, end.message) == ("Completed", "All checks passed."), end.output
    page = healthy.artifact("health-report")
    assert page.startswith("# All checks passed\n\nEvaluated at 2025-10-01 18:30 in New York.")
    assert "| daily_price | 2025-10-01 | " in page
    assert " | 2025-10-02 22:00 |  |" in page
    assert "**late**" not in page


@pytest.mark.slow
def test_each_run_creates_its_summary(healthy: Replay) -> None:
    page = healthy.artifact("prices-run-summary")
    [(new, quarantined)] = healthy.rows(
        "select rows_new, rows_quarantined from audit.run_summary"
        " where flow = 'prices' and table_name = 'daily_price' order by run_id limit 1"
    )
    assert new > 5_000
    assert quarantined > 10
    assert page.startswith("**prices**: completed, run ")
    assert f"| daily_price | {new:,} | 0 | 0 | 0 | {quarantined} | " in page
    assert "returned no data." in page
    assert "| rotation_metrics | " in healthy.artifact("derived-run-summary")


@pytest.mark.slow
def test_a_second_source_that_is_down_does_not_fail_the_daily_run(healthy: Replay) -> None:
    """Nothing else has to be done: the daily run before has loaded all."""
    healthy.sandbox.add_fault("status", host="tiingo", status=429, count=None)
    key = {"TIINGO_API_KEY": "7" * 40}
    try:
        end = healthy.run("daily", only_stale=True, env=key)
    finally:
        healthy.sandbox.clear_faults()
    assert (end.state, end.message) == ("Degraded", "price-check: Failed"), end.output
    # the retry of the evening
    end = healthy.run("price_check", only_stale=True, env=key)
    # seven legs, and the 20 members whose turn it is
    assert "27 of 27 tickers compared with Tiingo" in end.message, end.output
    assert healthy.run("health", env=ANY_DISK).message == "All checks passed."


def test_it_fails_with_a_line_per_issue(
    start_replay: MakeReplay, completed_daily_run: Replay
) -> None:
    """Monday was a holiday, and Tuesday evening's run is missing."""
    replay = start_replay(clock="2026-02-18T14:00:00+00:00", filled=completed_daily_run)
    follow_kept_series(replay)
    # a stack that runs for a year without a restart would run out of sessions
    ahead = "select max(session_date) > current_date + 180 from core.session"
    with connect(replay.settings, "owner") as connection:
        connection.execute("delete from core.session where session_date > current_date + 150")
    assert replay.column(ahead) == [False]
    replay.sandbox.add_fault("status", host="stlouisfed", status=503, count=None)
    assert replay.run("macro", env={"ROTATION_FRED_ATTEMPTS": "1"}).state == "Failed"
    end = replay.run("health", env={"ROTATION_HEALTH_FREE_GB": "1000000000"})
    assert end.state == "Failed"
    assert "Traceback" not in end.output
    lines = end.message.splitlines()
    checks = {line.split(":")[0] for line in lines}
    assert checks == {"disk", "freshness", "run"}
    prices = (
        "freshness: daily_price: data after 2026-02-13 was due by 2026-02-17 22:00 in New York; "
    )
    assert any(line.startswith(prices) for line in lines)
    assert any(line.startswith("run: macro: run ") and "outage" in line for line in lines)
    assert replay.column(ahead) == [True]
    assert replay.artifact("health-report").startswith(f"# Health issues: {len(lines)}")


def test_a_late_check_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled = SimpleNamespace(scheduled_start_time=datetime.now(UTC) - timedelta(minutes=121))
    monkeypatch.setattr("flows.health.flow_run", scheduled)
    state = check_health.fn()
    message = "Started 121 minutes late; skipped, next check runs at schedule."
    assert (state.name, state.message) == ("Completed", message)
