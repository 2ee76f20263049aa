"""Schedules in prefect.yaml agree with the release times in tasks/plan."""

from datetime import time
from typing import Any

import pytest

from tasks.plan.release_times import (
    FULL_HISTORY_TIME,
    FULL_HISTORY_WEEKDAY,
    HOLDINGS_TIME,
    LAST_PRICE_RETRY_TIME,
    MACRO_TIMES,
)
from tests.deployments.stack.test_stack import DEPLOYMENTS

SCHEDULES: dict[str, list[dict[str, Any]]] = {
    each["name"]: each.get("schedules") or [] for each in DEPLOYMENTS
}


def times(name: str) -> list[time]:
    crons = [schedule["cron"].split() for schedule in SCHEDULES[name]]
    return [time(int(hour), int(minute)) for minute, hour, *_ in crons]


def test_all_times_are_new_york_times() -> None:
    zones = {schedule["timezone"] for each in SCHEDULES.values() for schedule in each}
    assert zones == {"America/New_York"}


def test_no_schedule_is_in_the_hours_of_daylight_saving_changes() -> None:
    assert all(at >= time(4) for name in SCHEDULES for at in times(name))


def test_flows_run_at_release_times() -> None:
    assert times("macro") == [*MACRO_TIMES]
    assert times("holdings")[0] == HOLDINGS_TIME
    # the last session ends at 16:00
    assert min(times("daily")) > time(16)
    assert max(times("daily")) == LAST_PRICE_RETRY_TIME
    assert times("prices-full-history") == [FULL_HISTORY_TIME]
    # cron weekdays start on Sunday, Python's on Monday
    weekday = int(SCHEDULES["prices-full-history"][0]["cron"].split()[4])
    assert (weekday - 1) % 7 == FULL_HISTORY_WEEKDAY


def test_health_checks_run_after_the_last_retries() -> None:
    """Members are expected by 08:30, prices by 22:00."""
    morning, evening = times("health")
    assert max(times("holdings")) < morning < time(12)
    assert max(*times("daily"), time(22)) < evening


# health fetches nothing
FETCHING = [name for name, each in SCHEDULES.items() if each and name != "health"]


@pytest.mark.parametrize("name", FETCHING)
def test_scheduled_runs_fetch_only_stale_inputs(name: str) -> None:
    """After downtime, queued runs must not all fetch the same data."""
    assert all(schedule["parameters"]["only_stale"] is True for schedule in SCHEDULES[name])


def test_backfill_has_no_schedule_and_derived_follows_ingest() -> None:
    by_name = {each["name"]: each for each in DEPLOYMENTS}
    assert SCHEDULES["backfill"] == SCHEDULES["derived"] == []
    [trigger] = by_name["derived"]["triggers"]
    matched = set(trigger["match_related"]["prefect.resource.name"])
    # daily and backfill derive by themselves
    assert matched == set(by_name) - {
        "daily",
        "backfill",
        "derived",
        # it loads no input of a derived table
        "price-check",
        "mark-crashed-runs",
        "health",
    }
