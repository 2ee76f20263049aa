"""What prefect.yaml promises of the schedules, by the clocks that decide what is due."""

from datetime import time
from typing import Any

import pytest

from tasks.plan.release_times import (
    FULL_HISTORY_WEEKDAY,
    HOLDINGS_TIME,
    LAST_PRICE_RETRY_TIME,
    MACRO_TIMES,
    WHOLE_HISTORY_TIME,
)
from tests.deployments.stack.test_stack import DEPLOYMENTS

SCHEDULES: dict[str, list[dict[str, Any]]] = {
    each["name"]: each.get("schedules") or [] for each in DEPLOYMENTS
}


def times(name: str) -> list[time]:
    crons = [schedule["cron"].split() for schedule in SCHEDULES[name]]
    return [time(int(hour), int(minute)) for minute, hour, *_ in crons]


def test_all_times_are_new_yorks() -> None:
    zones = {schedule["timezone"] for each in SCHEDULES.values() for schedule in each}
    assert zones == {"America/New_York"}


def test_no_schedule_lies_in_the_hours_that_daylight_saving_skips_or_repeats() -> None:
    assert all(at >= time(4) for name in SCHEDULES for at in times(name))


def test_sources_are_asked_when_they_have_something_new() -> None:
    assert times("macro") == [*MACRO_TIMES]
    assert times("holdings")[0] == HOLDINGS_TIME
    # the last session ends at 16:00
    assert min(times("daily")) > time(16)
    assert max(times("daily")) == LAST_PRICE_RETRY_TIME
    assert times("prices-full-history") == [WHOLE_HISTORY_TIME]
    # cron counts the days from Sunday, Python from Monday
    weekday = int(SCHEDULES["prices-full-history"][0]["cron"].split()[4])
    assert (weekday - 1) % 7 == FULL_HISTORY_WEEKDAY


def test_health_is_judged_after_the_last_attempts() -> None:
    """Members are due at 08:30, prices at 22:00: not in the minute in which late ones are asked."""
    morning, evening = times("health")
    assert max(times("holdings")) < morning < time(12)
    assert max(*times("daily"), time(22)) < evening


# health asks no source
ASKING = [name for name, each in SCHEDULES.items() if each and name != "health"]


@pytest.mark.parametrize("name", ASKING)
def test_a_scheduled_run_asks_for_what_is_due_only(name: str) -> None:
    """So that runs that start late, all at once, ask for everything once."""
    assert all(schedule["parameters"]["only_stale"] is True for schedule in SCHEDULES[name])


def test_backfills_wait_to_be_asked_for_and_derived_tables_follow_their_sources() -> None:
    by_name = {each["name"]: each for each in DEPLOYMENTS}
    assert SCHEDULES["backfill"] == SCHEDULES["derived"] == []
    [trigger] = by_name["derived"]["triggers"]
    named = set(trigger["match_related"]["prefect.resource.name"])
    # the others derive themselves
    assert named == set(by_name) - {"daily", "backfill", "derived", "mark-crashed-runs", "health"}
