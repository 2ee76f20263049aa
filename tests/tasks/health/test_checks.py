"""Each kind of fault is found, said in one line, and not found where all is well."""

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
def faults(settings: Settings) -> Callable[..., list[HealthIssue]]:
    """The faults of one kind, with other settings or at another instant."""

    def find(kind: str, instant: datetime = NOW, **changed: Any) -> list[HealthIssue]:
        found = run_health_checks(settings.model_copy(update=changed), instant)
        return [fault for fault in found if fault.check == kind]

    return find


@pytest.fixture
def ended(settings: Settings) -> Callable[..., int]:
    """A run that ended in a state, having set aside some rows of a table."""

    def end(
        flow: str,
        state: str,
        detail: str = "",
        aside: int = 0,
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
            for n in range(aside):
                key = json.dumps({"run": run_id, "n": n})
                connection.execute(
                    "insert into audit.quarantine"
                    " (run_id, last_run_id, table_name, key, rule, reason, row)"
                    " values (%s, %s, 'daily_price', %s, %s, 'wrong', %s)",
                    (run_id, run_id, key, rule, key),
                )
        return run_id

    return end


def test_what_is_late_is_said_with_its_reason(faults) -> None:
    late = {fault.target: fault.message for fault in faults("late")}
    assert late["daily_price"] == "no rows; never requested"
    assert "macro_observation CPIAUCSL" in late
    assert str(faults("late")[0]).startswith("late: ")
    assert all("\n" not in str(fault) for fault in faults("late"))


@pytest.mark.parametrize("state", ["failed", "crashed", "degraded"])
def test_a_flow_whose_last_run_ended_badly(faults, ended, state: str) -> None:
    ended("macro", "completed")
    ended("prices", state)
    ended("prices", "completed")
    assert faults("run") == []
    run_id = ended("prices", state, "daily_price: 3 new\n2 throttled: AAA, BBB")
    [fault] = faults("run")
    assert fault.target == "prices"
    assert fault.message.startswith(f"run {run_id} of ")
    assert fault.message.endswith(f"is {state}. daily_price: 3 new; 2 throttled: AAA, BBB")


def test_a_run_that_someone_ended_hides_no_fault_and_is_none(faults, ended) -> None:
    ended("backfill", "cancelled")
    assert faults("run") == []
    run_id = ended("prices", "failed")
    ended("prices", "cancelled")
    [fault] = faults("run")
    assert fault.message.startswith(f"run {run_id} of ")


@pytest.mark.parametrize("state", ["failed", "crashed", "degraded"])
def test_a_backfill_that_ended_badly_is_told_of_for_a_day(faults, ended, state: str) -> None:
    run_id = ended("backfill", state, clock_at=NOW - timedelta(hours=23))
    [fault] = faults("run")
    assert fault.message.startswith(f"run {run_id} of ")
    assert faults("run", NOW + timedelta(hours=2)) == []
    # one that does not end is no less a fault
    ended("backfill", "running", hours_ago=30, clock_at=NOW - timedelta(hours=30))
    assert [fault.target for fault in faults("run")] == ["backfill"]
    # of what a schedule runs again it is told until that has ended well
    ended("backfill", "completed")
    ended("prices", state, clock_at=NOW - timedelta(days=9))
    assert [fault.target for fault in faults("run")] == ["prices"]


def test_it_needs_no_login_but_the_flows_own(settings) -> None:
    """A worker on another machine has no other; and consumers may hold all of theirs."""
    wrong = {"reader_password": SecretStr("that-of-another-server")}
    known = settings.model_copy(update=wrong)
    assert run_health_checks(known, NOW) == run_health_checks(settings, NOW)
    assert render_health_report([], known, NOW).startswith("# All is well")


def test_a_run_that_does_not_end(faults, ended) -> None:
    ended("prices", "running", hours_ago=5)
    assert faults("run") == []
    ended("macro", "running", hours_ago=7)
    assert [fault.target for fault in faults("run")] == ["macro"]


def test_quarantine_that_grows_beyond_its_past(faults, ended) -> None:
    for _ in range(4):
        ended("prices", "completed", aside=6)
    ended("prices", "completed", aside=60)
    # four runs are no past
    assert faults("quarantine") == []
    ended("prices", "completed", aside=20)
    ended("prices", "completed", aside=30)
    # five times the usual six, and no more
    assert faults("quarantine") == []
    run_id = ended("prices", "completed", aside=31)
    # another flow's own past, and a later run, are of no matter
    ended("prices-full-history", "completed", aside=99)
    ended("prices", "completed", aside=1)
    said = f"run {run_id} set aside 31 rows; usual are 6"
    assert faults("quarantine") == [HealthIssue("quarantine", "daily_price", said)]


def test_bars_of_a_session_that_is_still_open_are_no_growth(faults, ended) -> None:
    for _ in range(5):
        ended("prices", "completed", aside=6)
    ended("prices", "completed", aside=99, rule="unfinished_session")
    assert faults("quarantine") == []
    # nor do such runs make many wrong rows usual
    for _ in range(6):
        ended("prices", "completed", aside=40, rule="unfinished_session")
    run_id = ended("prices", "completed", aside=31)
    said = f"run {run_id} set aside 31 rows; usual are 0"
    assert faults("quarantine") == [HealthIssue("quarantine", "daily_price", said)]


@pytest.fixture
def covered(settings: Settings, bars, load_prices, fetches, checked) -> Callable[[int], None]:
    """Ten members of the Russell 2000, of whom some have a bar of 2024-06-06."""

    def hold(held: int) -> None:
        names = [f"T{n}" for n in range(10)]
        members = pd.DataFrame({"ticker": names}).assign(
            index_code="R2000", as_of_date=pd.Timestamp("2024-06-04"), name="A", sector=None,
            known_from=pd.Timestamp("2024-06-05"), exchange="NYSE", weight_pct=10.0,
            weight_pct_filed=None, shares=1.0, price_usd=None, fund="IWM", market_value_usd=1.0,
            source="test",
        )  # fmt: skip
        with open_run("holdings", settings) as run:
            asked = fetches(("IWM", "loaded")).assign(dataset="index_membership")
            load.fn(asked, (checked(index_membership.CONTRACT, members),), run.writer)
        days = [(name, "2024-06-05", 10.0) for name in names]
        load_prices(settings, bars(*days, *((n, "2024-06-06", 10.0) for n in names[:held])))
        with connect(settings) as connection:
            connection.execute(
                "update audit.fetch set window_start = '2024-06-01', window_end = '2024-06-06'"
            )
            # the horizon of a tape
            connection.execute(
                "insert into audit.fetch (run_id, source, dataset, item, window_start, window_end,"
                " status, detail, rows, attempts, started_at, finished_at)"
                " select run_id, 'yahoo', 'daily_price', 'T0', '2024-06-01', '2024-06-06',"
                " 'loaded', '', 1, 1, now(), now() from audit.run order by run_id desc limit 1"
            )

    return hold


def test_a_newest_session_with_too_few_bars(faults, covered) -> None:
    covered(9)
    said = "9 of 10 bars of 2024-06-06 are there"
    assert faults("coverage") == [HealthIssue("coverage", "R2000", said)]
    assert faults("coverage", health_coverage_pct=90.0) == []
    # before it was due, the session before was the newest
    assert faults("coverage", datetime(2024, 6, 7, 1, 59, tzinfo=UTC)) == []


def test_a_clock_and_an_origin_that_do_not_belong_together(faults, settings) -> None:
    at_last = {"clock": "http://127.0.0.1/clock"}
    assert faults("clock", **at_last) == []
    [fault] = faults("clock")
    assert fault.message.endswith("but the clock is the machine's")
    with connect(settings) as connection:
        connection.execute("insert into audit.origin (origin) values ('another')")
    [fault] = faults("clock", **at_last)
    assert fault.message.startswith("the warehouse holds 'another', the settings say 'test-")
    # the same database by its own URL, since a live warehouse has another name
    same = {"database_url": SecretStr(warehouse_dsn(settings, "owner").split("?")[0])}
    live = {
        each.message for each in faults("clock", origin="live", clock="2024-06-07T03:00Z", **same)
    }
    assert "it is 'live', but the clock is moved by ROTATION_CLOCK" in live


def test_facts_from_the_future(faults, settings, bars, load_prices) -> None:
    load_prices(settings, bars(("IWM", "2024-06-07", 10.0)))
    moved = {"clock": "http://127.0.0.1/clock"}
    # 23:00 of the sixth in New York
    [fault] = faults("clock", **moved)
    assert fault == HealthIssue(
        "clock", "facts", "one is of 2024-06-07, later than now, 2024-06-07 03:00 UTC"
    )
    assert faults("clock", datetime(2024, 6, 7, 4, tzinfo=UTC), **moved) == []


def test_a_disk_that_fills_up(faults, settings) -> None:
    assert faults("disk", health_free_gb=0.0) == []
    [fault] = faults("disk", health_free_gb=1e9)
    assert fault.target == str(settings.home)
    assert fault.message.endswith("GB are free; ROTATION_HEALTH_FREE_GB asks for 1e+09")
